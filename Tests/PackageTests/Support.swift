import Glibc

/// The package's folder: this file's, twice up.
let packageFolder = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

struct SupportError: Error, CustomStringConvertible {
    let description: String
}

/// A folder of its own under the system's temporary one.
struct TemporaryFolder {
    let path: String

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        guard let template = strdup("\(parent)/package-tests-XXXXXX") else {
            throw SupportError(description: "no memory")
        }
        defer { free(template) }
        guard mkdtemp(template) != nil else { throw SupportError(description: "mkdtemp: errno \(errno)") }
        path = String(cString: template)
    }

    func remove() { _ = try? runProgram(["rm", "-rf", path]) }
}

/// The whole of a file. Throws when it can't be opened.
func contents(of path: String) throws -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw SupportError(description: "can't open \(path): errno \(errno)") }
    defer { close(file) }
    return readToEnd(of: file)
}

/// Every Swift file below the folder.
func swiftFiles(below folder: String) throws -> [String] {
    let output = try runProgram(["find", folder, "-name", "*.swift"])
    return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
}

/// Runs a program found in PATH to its end and returns what it prints. Throws when it fails.
func runProgram(_ arguments: [String]) throws -> [UInt8] {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SupportError(description: "pipe: errno \(errno)") }
    // Tests run side by side: a child of another one must not hold this pipe open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    let pid: pid_t
    do {
        defer { close(ends[1]) }
        pid = try spawn(arguments, output: ends[1])
    }
    let output = readToEnd(of: ends[0])
    var status: Int32 = 0
    waitpid(pid, &status, 0)
    guard status == 0 else { throw SupportError(description: "\(arguments) ended with status \(status)") }
    return output
}

private func spawn(_ arguments: [String], output: Int32) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    let pointers = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var pid: pid_t = 0
    let code = posix_spawnp(&pid, arguments[0], &actions, nil, pointers, environ)
    guard code == 0 else { throw SupportError(description: "can't start \(arguments[0]): errno \(code)") }
    return pid
}

private func readToEnd(of file: Int32) -> [UInt8] {
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(file, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return result }
        result += chunk[..<count]
    }
}
