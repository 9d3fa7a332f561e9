import FoundationEssentials
import Glibc
import Testing

/// GnuPG with a home of its own under /tmp: its sockets need a short path. Home, keys and agent are gone with this object.
final class GnuPG {
    let home: String

    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    init() throws {
        var template = Array("/tmp/dtm-gpg-XXXXXX".utf8CString)
        home = try template.withUnsafeMutableBufferPointer { buffer in
            // mkdtemp gives the mode 0700, which gpg demands.
            String(cString: try #require(buffer.baseAddress.flatMap { mkdtemp($0) }))
        }
        // Otherwise the agent measures for seconds how often it should hash a password.
        try Data("s2k-count 65536\n".utf8).write(to: URL(filePath: "\(home)/gpg-agent.conf"))
    }

    deinit {
        _ = try? Self.spawn(["gpgconf", "--homedir", home, "--kill", "all"], home: home)
        // The agent may be removing its sockets at the same moment, and then this fails half way.
        for _ in 0..<100 where access(home, F_OK) == 0 { try? FileManager.default.removeItem(atPath: home) }
    }

    /// Runs gpg and returns what it wrote to its standard output; `{name}` in an argument is a file with these bytes.
    @discardableResult
    func run(_ arguments: [String], files: [String: [UInt8]] = [:]) throws -> [UInt8] {
        for (name, bytes) in files { try Data(bytes).write(to: URL(filePath: "\(home)/\(name)")) }
        let arguments = arguments.map { argument in
            files.keys.reduce(argument) { $0.replacing("{\($1)}", with: "\(home)/\($1)") }
        }
        let standard = ["gpg", "--homedir", home, "--batch", "--yes", "--no-tty", "--trust-model", "always"]
        let loopback = ["--pinentry-mode", "loopback", "--passphrase", ""]
        let isPasswordGiven = arguments.contains("--passphrase-file")
        return try Self.spawn(
            standard + (isPasswordGiven ? Array(loopback.prefix(2)) : loopback) + arguments, home: home)
    }

    /// Makes a key without a password, and returns it.
    func makeKey(
        _ name: String, algorithm: String = "future-default", usage: String = "default", expires: String = "never"
    )
        throws -> [UInt8]
    {
        try run(["--quick-generate-key", name, algorithm, usage, expires])
        return try run(["--export", "=\(name)"])
    }

    func listPackets(_ message: [UInt8]) throws -> String {
        String(decoding: try run(["--list-packets", "{m}"], files: ["m": message]), as: UTF8.self)
    }

    /// Of a file in its home.
    func contents(of name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: "\(home)/\(name)"))) }

    private static func spawn(_ arguments: [String], home: String) throws -> [UInt8] {
        let name = "\(home)/run-\(UInt64.random(in: 0 ... .max))"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "\(name).out", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, "\(name).err", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        let variables = ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=\(home)"]
        var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for pointer in environment { free(pointer) } }
        var pid: pid_t = 0
        let failure = posix_spawnp(&pid, arguments[0], &actions, &attributes, &pointers, &environment)
        guard failure == 0 else { throw Failed(description: "\(arguments[0]): error \(failure)") }
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let output = try Data(contentsOf: URL(filePath: "\(name).out"))
        guard status == 0 else {
            let errors = String(decoding: try Data(contentsOf: URL(filePath: "\(name).err")), as: UTF8.self)
            throw Failed(description: "\(arguments.joined(separator: " ")): status \(status): \(errors)")
        }
        return Array(output)
    }
}
