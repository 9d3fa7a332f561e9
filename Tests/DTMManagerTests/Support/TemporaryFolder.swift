import FoundationEssentials
import Glibc

/// A folder of its own for one test, removed with all in it at the end.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/dtm-manager-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXFailure(code: errno) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        // A folder can't be unlinked; anything else can.
        if unlink(path) == 0 || errno == ENOENT { return }
        chmod(path, 0o700)
        for name in names(path) { remove("\(path)/\(name)") }
        rmdir(path)
    }

    private static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

/// What is at a path. (`struct stat` is of no use here: beside NIO it belongs to whichever module was loaded first.)
enum FileFacts {
    static func exists(_ path: String) -> Bool { (try? FileManager.default.attributesOfItem(atPath: path)) != nil }

    /// The permissions; nil when there is nothing.
    static func mode(_ path: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        let value = attributes?[.posixPermissions]
        if let value = value as? UInt { return Int(value) }
        return value as? Int
    }
}

struct POSIXFailure: Error {
    let code: Int32
}

/// A Unix socket that listens at a path until it ends.
final class UnixListener: Sendable {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(descriptor, 8) == 0 else { throw POSIXFailure(code: errno) }
    }

    /// Stops listening and leaves the name behind, as a killed process does.
    deinit { close(descriptor) }
}
