import DTMCore
import Glibc
import Testing

/// A redis-server that keeps nothing.
final class RedisServer {
    let program: ChildProgram
    let port: UInt16

    /// - Parameters:
    ///   - wanted: 0 takes a free one.
    ///   - path: another copy of the program.
    init(in directory: TestDirectory, port wanted: UInt16 = 0, program path: String = "redis-server") throws {
        let port = wanted == 0 ? try HeldPort.free() : wanted
        self.port = port
        program = try ChildProgram(
            .init(
                program: path,
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

    /// - Parameters:
    ///   - wanted: 0 takes a free one.
    ///   - workers: Root's give themselves to the user nobody when there are several, as a packaged nginx does.
    init(in directory: TestDirectory, port wanted: UInt16 = 0, workers: Int = 1) throws {
        let port = wanted == 0 ? try HeldPort.free() : wanted
        self.port = port
        root = directory.file("www")
        mkdir(root, 0o755)
        let configuration = try directory.write("nginx.conf", Self.configuration(directory, port, workers))
        program = try ChildProgram(
            .init(
                program: "nginx", arguments: ["-c", configuration, "-p", directory.path, "-e", "stderr"],
                environment: basicEnvironment, directory: directory.path))
        try awaitPort(port, program)
    }

    private static func configuration(_ directory: TestDirectory, _ port: UInt16, _ workers: Int) -> String {
        """
        \(geteuid() == 0 ? "user \(workers > 1 ? "nobody nogroup" : "root");" : "")
        daemon off;
        pid \(directory.file("nginx.pid"));
        error_log stderr error;
        worker_processes \(workers);
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

func awaitPort(_ port: UInt16, _ program: ChildProgram) throws {
    let endpoint = Endpoint(address: .v4(0x7f00_0001), port: port)
    let answers = eventually(.seconds(10)) {
        !program.isRunning || (try? BlockingSocket(connectedTo: endpoint)) != nil
    }
    try #require(answers && program.isRunning, "\(program.output) \(program.errors)")
}

/// A web server of Python's standard library, at any loopback address.
final class PythonServer {
    let program: ChildProgram
    let port: UInt16

    init(in directory: TestDirectory, at address: String = "127.0.0.1", port: UInt16) throws {
        self.port = port
        let program = try ChildProgram(
            .init(
                program: "python3", arguments: ["-u", "-m", "http.server", "\(port)", "--bind", address],
                environment: basicEnvironment, directory: directory.path))
        self.program = program
        let listens = eventually { program.output.contains("Serving") || !program.isRunning }
        try #require(listens && program.isRunning, "\(program.output) \(program.errors)")
    }

    var target: String { "127.0.0.1:\(port)" }
}

extension ChildProgram {
    /// Ends it in order.
    func end(sourceLocation: SourceLocation = #_sourceLocation) throws {
        signal(SIGTERM)
        try #require(wait() != nil, "it does not end: \(errors)", sourceLocation: sourceLocation)
    }
}

/// The SHA-256 of a file, as sha256sum prints it.
func checksum(of path: String, in directory: TestDirectory) throws -> String {
    let sum = try run("sha256sum", [path], in: directory, limit: .seconds(120))
    return String(try #require(sum.output.split(separator: " ").first, "\(sum.errors)"))
}
