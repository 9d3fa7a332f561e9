import DTMAPI
import DTMCore
import Glibc
import Testing

/// A key and a certificate in files, for clients that are not DTM's.
struct Identity {
    var keyPath: String
    var certificatePath: String
    var serial: String

    var arguments: [String] { ["-key", keyPath, "-cert", certificatePath] }
}

/// `openssl` as a stranger's tool.
struct OpenSSL {
    let directory: TestDirectory

    private func openssl(_ arguments: String..., input: String? = nil) throws -> String {
        let outcome = try run("openssl", arguments, in: directory, input: input)
        try #require(outcome.status == 0, "openssl \(arguments): \(outcome.errors)")
        return outcome.output
    }

    /// A key of P-256, and a request for its certificate.
    private func request(_ name: String) throws -> (key: String, request: String) {
        let key = directory.file("\(name).key")
        let request = directory.file("\(name).csr")
        _ = try openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        _ = try openssl("req", "-new", "-key", key, "-subj", "/CN=\(name)", "-out", request)
        return (key, request)
    }

    /// A certificate of this manager, as a connector gets one: a request over the control socket.
    ///
    /// - Parameter user: Who asks for it, and so who it belongs to.
    func identity(
        _ name: String, for tunnel: String, of manager: Manager, user: OtherUser? = nil
    ) throws -> (Identity, IdentityAnswer) {
        let (key, request) = try request(name)
        let encoded = try openssl("req", "-in", request, "-outform", "PEM")
            .split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
        let connector = String((0..<16).compactMap { _ in "0123456789abcdef".randomElement() })
        let body = try APIJSON.encode(IdentityRequest(certificateRequest: encoded, connector: connector))
        let command =
            (user?.prefix ?? []) + [
                "curl", "-sS", "--fail-with-body", "--unix-socket", manager.socketPath, "-H",
                "Content-Type: application/json", "-d", String(decoding: body, as: UTF8.self),
                "http://localhost/v1/tunnels/\(tunnel)/identity",
            ]
        let answer = try run(command[0], Array(command.dropFirst()), in: directory)
        try #require(answer.status == 0, "\(answer.output) \(answer.errors)")
        let identity = try answer.decode(IdentityAnswer.self)
        return (try keep(identity, name, key), identity)
    }

    private func keep(_ answer: IdentityAnswer, _ name: String, _ key: String) throws -> Identity {
        let leaf = try #require(answer.certificateChain.first)
        let path = try directory.write("\(name).pem", Self.pem(leaf))
        let serial = try openssl("x509", "-in", path, "-noout", "-serial")
            .split(separator: "=").last.map { $0.filter(\.isHexDigit).lowercased() }
        return Identity(keyPath: key, certificatePath: path, serial: try #require(serial))
    }

    /// A certificate of somebody else's authority, with the name of a client of ours.
    func foreignIdentity(_ name: String, spiffe: String) throws -> Identity {
        let authority = directory.file("\(name)-authority")
        _ = try openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "\(authority).key")
        _ = try openssl(
            "req", "-x509", "-new", "-key", "\(authority).key", "-subj", "/CN=dtm", "-days", "1", "-out",
            "\(authority).pem")
        let (key, request) = try request(name)
        let extensions = try directory.write(
            "\(name).ext",
            """
            basicConstraints=critical,CA:FALSE
            keyUsage=critical,digitalSignature
            extendedKeyUsage=clientAuth
            subjectAltName=critical,URI:\(spiffe)
            """)
        let certificate = directory.file("\(name).pem")
        _ = try openssl(
            "x509", "-req", "-in", request, "-CA", "\(authority).pem", "-CAkey", "\(authority).key", "-days", "1",
            "-set_serial", "0x5eed", "-extfile", extensions, "-out", certificate)
        return Identity(keyPath: key, certificatePath: certificate, serial: "5eed")
    }

    static func pem(_ base64: String) -> String {
        var lines = ["-----BEGIN CERTIFICATE-----"]
        var rest = base64[...]
        while !rest.isEmpty {
            lines.append(String(rest.prefix(64)))
            rest = rest.dropFirst(64)
        }
        return (lines + ["-----END CERTIFICATE-----", ""]).joined(separator: "\n")
    }

    // MARK: Clients

    /// `openssl s_client` at an endpoint. What the server sends after the handshake is its standard output.
    func client(_ endpoint: Endpoint, _ more: [String] = [], user: OtherUser? = nil) throws -> ChildProgram {
        let command =
            (user?.prefix ?? []) + [
                "openssl", "s_client", "-connect", "\(endpoint)", "-tls1_3", "-alpn", "dtm/1", "-quiet", "-no_ign_eof",
            ] + more
        return try ChildProgram(
            .init(
                program: command[0], arguments: Array(command.dropFirst()),
                environment: basicEnvironment, directory: directory.path, hasInput: true))
    }

    /// Connects, sends a line, and waits for the end: what came, and how it ended.
    func visit(
        _ endpoint: Endpoint, _ more: [String] = [], says text: String = "PING\r\n", user: OtherUser? = nil
    ) throws -> Visit {
        let client = try client(endpoint, more, user: user)
        client.send(text)
        // An unwelcome client is sent away; one that is let in has its answer, and ends when told to.
        _ = eventually(.seconds(10)) {
            !client.isRunning || contents(of: client.outputPath).count >= 4 + text.utf8.count
        }
        client.closeInput()
        _ = client.wait(.seconds(10))
        return Visit(received: contents(of: client.outputPath), errors: client.errors, ending: client.ending)
    }

    struct Visit {
        var received: [UInt8]
        var errors: String
        var ending: Ending?
    }
}
