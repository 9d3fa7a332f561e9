import FoundationEssentials
import Glibc
import Testing

/// A folder of one test, gone with this object. Short, since the path of a Unix socket has 107 bytes at most.
final class TestDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/dtm-process-XXXXXX".utf8CString)
        path = try template.withUnsafeMutableBufferPointer { buffer in
            String(cString: try #require(buffer.baseAddress.flatMap { mkdtemp($0) }))
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        try write(name, Array(text.utf8), mode: mode)
    }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws -> String {
        let path = file(name)
        try Data(bytes).write(to: URL(filePath: path))
        chmod(path, mode)
        return path
    }
}

/// All of a file; empty when there is none.
func contents(of path: String) -> [UInt8] {
    guard let descriptor = Optional(open(path, O_RDONLY | O_CLOEXEC)), descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return all }
        all += buffer.prefix(count)
    }
}

func text(of path: String) -> String { String(decoding: contents(of: path), as: UTF8.self) }
