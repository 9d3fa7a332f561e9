import CDTMLinux
import Glibc

/// Reads files of the host, or of a copy of its `/proc` and `/sys`. Thin and bounded: what is read may be anything.
struct HostFiles: Sendable {
    /// What stands before every path; empty for the host itself.
    let root: String

    /// The first `limit` bytes of a file. Links are followed; pipes and devices are not waited for.
    func read(_ path: String, limit: Int = 1 << 16) -> Reading<[UInt8]> {
        let descriptor = open(root + path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { return Self.failure(path, errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit, 1 << 16))
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &chunk, min(chunk.count, limit - bytes.count))
            if count == 0 { break }
            if count > 0 { bytes += chunk.prefix(count) } else if errno != EINTR { return Self.failure(path, errno) }
        }
        return .known(bytes)
    }

    /// A file of one line, without the white space at its ends.
    func line(_ path: String) -> Reading<String> {
        read(path, limit: 4_096).map { bytes in
            String(String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" })
        }
    }

    /// A file with one number.
    func number(_ path: String) -> Reading<Int64> {
        line(path).flatMap { text in
            Int64(text).map { .known($0) } ?? .unknown("\(path) holds no number")
        }
    }

    /// The names in a folder, without `.` and `..`; at most `limit` of them, in their order.
    func names(_ path: String, limit: Int = 256) -> Reading<[String]> {
        guard let folder = opendir(root + path) else { return Self.failure(path, errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while names.count < limit, let entry = readdir(folder) {
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
            let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
            if name != ".", name != ".." { names.append(name) }
        }
        return .known(names.sorted())
    }

    /// What is at a path; a link is looked at itself.
    func facts(_ path: String, followingLinks: Bool = false) -> Reading<FileFacts> {
        var facts = dtm_file_facts()
        let outcome = dtm_file_facts(root + path, followingLinks ? 1 : 0, &facts)
        guard outcome == 0 else { return Self.failure(path, -outcome) }
        return .known(FileFacts(owner: facts.owner, mode: facts.mode))
    }

    private static func failure<Value>(_ path: String, _ code: Int32) -> Reading<Value> {
        code == ENOENT || code == ENOTDIR ? .absent : .unknown("\(path): \(words(code))")
    }
}

/// Whose a path is, and what it is.
struct FileFacts: Hashable, Sendable {
    var owner: UInt32
    /// The type and the permissions, as `st_mode`.
    var mode: UInt32

    var isFolder: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }
    var isSocket: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFSOCK) }
    var isRegular: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFREG) }
}

extension Reading {
    func map<Other>(_ body: (Value) -> Other) -> Reading<Other> { flatMap { .known(body($0)) } }

    func flatMap<Other>(_ body: (Value) -> Reading<Other>) -> Reading<Other> {
        switch self {
        case .known(let value): body(value)
        case .absent: .absent
        case .unknown(let reason): .unknown(reason)
        }
    }

    /// The value, where the checks can do without it.
    var value: Value? { if case .known(let value) = self { value } else { nil } }
}
