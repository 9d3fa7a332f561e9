import DTMCore
import Glibc
import Testing

/// A redis-server that keeps nothing.
final class RedisServer {
    let program: ChildProgram
    let port: UInt16

    /// - Parameter port: 0 takes a free one.
    init(in directory: TestDirectory, port wanted: UInt16 = 0) throws {
        let port = wanted == 0 ? try HeldPort.free() : wanted
        self.port = port
        program = try ChildProgram(
            .init(
                program: "redis-server",
                arguments: [
                    "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir",
                    directory.path,
                ], environment: basicEnvironment, directory: directory.path))
        try awaitPort(port, program)
    }

    var target: String { "127.0.0.1:\(port)" }
    var endpoint: Endpoint { Endpoint(address: .v4(0x7f00_0001), port: port) }
}

/// An nginx that serves the files of its folder.
final class WebServer {
    let program: ChildProgram
    let port: UInt16
    private let root: String

    init(in directory: TestDirectory) throws {
        let port = try HeldPort.free()
        self.port = port
        root = directory.file("www")
        mkdir(root, 0o755)
        let configuration = try directory.write("nginx.conf", Self.configuration(directory, port))
        program = try ChildProgram(
            .init(
                program: "nginx", arguments: ["-c", configuration, "-p", directory.path, "-e", "stderr"],
                environment: basicEnvironment, directory: directory.path))
        try awaitPort(port, program)
    }

    private static func configuration(_ directory: TestDirectory, _ port: UInt16) -> String {
        """
        \(geteuid() == 0 ? "user root;" : "")
        daemon off;
        pid \(directory.file("nginx.pid"));
        error_log stderr error;
        worker_processes 1;
        events { worker_connections 1024; }
        http {
            access_log off;
            sendfile on;
            client_body_temp_path \(directory.file("body"));
            proxy_temp_path \(directory.file("proxy"));
            fastcgi_temp_path \(directory.file("fastcgi"));
            uwsgi_temp_path \(directory.file("uwsgi"));
            scgi_temp_path \(directory.file("scgi"));
            server {
                listen 127.0.0.1:\(port);
                root \(directory.file("www"));
            }
        }
        """
    }

    /// Makes a file of random bytes to be served.
    func offer(_ name: String, mebibytes: Int, in directory: TestDirectory) throws {
        let made = try run(
            "dd", ["if=/dev/urandom", "of=\(root)/\(name)", "bs=1M", "count=\(mebibytes)"], in: directory,
            limit: .seconds(120))
        try #require(made.status == 0, "\(made.errors)")
    }

    func path(of name: String) -> String { "\(root)/\(name)" }

    var target: String { "127.0.0.1:\(port)" }
}

private func awaitPort(_ port: UInt16, _ program: ChildProgram) throws {
    let endpoint = Endpoint(address: .v4(0x7f00_0001), port: port)
    let answers = eventually(.seconds(10)) {
        !program.isRunning || (try? BlockingSocket(connectedTo: endpoint)) != nil
    }
    try #require(answers && program.isRunning, "\(program.output) \(program.errors)")
}

/// The SHA-256 of a file, as sha256sum prints it.
func checksum(of path: String, in directory: TestDirectory) throws -> String {
    let sum = try run("sha256sum", [path], in: directory, limit: .seconds(120))
    return String(try #require(sum.output.split(separator: " ").first, "\(sum.errors)"))
}
