import Glibc

/// The three peers: each a client's end and a server's end, one thread each, TLS 1.3, both sides authenticated,
/// AES-128-GCM, no resumption. Their configurations stand in `Benchmarks/peers`.
struct PeerContender: Contender {
    let name: String
    /// The names of the two configuration files.
    let files: (server: String, client: String)
    /// The command that runs a configuration in the foreground.
    let command: (_ configuration: String, _ directory: String) -> [String]
    var modules = ""

    func start(target: Int, in workshop: Workshop) throws -> RunningTunnel {
        let tunnel = try Loopback.freePort()
        let server = try launch(files.server, listen: tunnel, target: target, in: workshop)
        let entry = try Loopback.freePort()
        let client = try launch(files.client, listen: entry, target: tunnel, in: workshop)
        return RunningTunnel(name: name, entry: entry, processes: [server, client], workshop: workshop)
    }

    private func launch(_ file: String, listen: Int, target: Int, in workshop: Workshop) throws -> ChildProcess {
        let path = try workshop.configuration(file, listen: listen, target: target, modules: modules)
        let process = try workshop.start(command(path, workshop.directory), log: "\(file).log")
        do {
            try Loopback.waitUntilAccepting(port: listen, of: file)
        } catch {
            workshop.stop(process)
            throw error
        }
        return process
    }
}

extension PeerContender {
    static var stunnel: Self {
        Self(name: "stunnel", files: ("stunnel-server.conf", "stunnel-client.conf")) { path, _ in ["stunnel4", path] }
    }

    static var haproxy: Self {
        Self(name: "HAProxy", files: ("haproxy-server.cfg", "haproxy-client.cfg")) { path, _ in
            [systemProgram("haproxy"), "-db", "-q", "-f", path]
        }
    }

    static var nginx: Self {
        Self(
            name: "nginx", files: ("nginx-server.conf", "nginx-client.conf"),
            command: { path, directory in
                [systemProgram("nginx"), "-p", directory, "-e", "\(directory)/nginx-start.log", "-c", path]
            }, modules: "/usr/lib/nginx/modules")
    }

    /// Debian keeps these in /usr/sbin, which is not in everyone's PATH.
    private static func systemProgram(_ name: String) -> String {
        access("/usr/sbin/\(name)", X_OK) == 0 ? "/usr/sbin/\(name)" : name
    }
}

/// Certificates of the peers, made with openssl: P-256, one authority, a leaf for each end.
struct PeerCertificates {
    let workshop: Workshop

    func make() throws {
        try request("authority", issuer: nil)
        for end in ["server", "client"] {
            try request(end, issuer: "authority")
            // HAProxy wants a certificate and its key in one file.
            let both = [".pem", ".key"].compactMap { ProcFile.read("\(workshop.directory)/\(end)\($0)") }.joined()
            try ProcFile.write(both, to: "\(workshop.directory)/\(end)-and-key.pem")
        }
    }

    private func request(_ name: String, issuer: String?) throws {
        let directory = workshop.directory
        var arguments = [
            "openssl", "req", "-x509", "-config", "\(workshop.configurations)/openssl.cnf", "-extensions", name,
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2",
            "-keyout", "\(directory)/\(name).key", "-out", "\(directory)/\(name).pem", "-subj", "/CN=\(name)",
        ]
        if let issuer { arguments += ["-CA", "\(directory)/\(issuer).pem", "-CAkey", "\(directory)/\(issuer).key"] }
        try workshop.run(arguments)
    }
}
