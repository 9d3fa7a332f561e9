import Glibc

/// Reads below `/proc`, or below a copy of it. Thin: what the bytes mean is decided by the parsers.
struct ProcessFileSystem: Sendable {
    let root: String
    /// Makes chosen paths fail with an error number: for tests, which run with rights that nothing is kept from.
    var fault: (@Sendable (_ path: String) -> Int32?)?

    init(root: String) { self.root = root }

    /// Why something was not read.
    enum Failure: Error, Equatable {
        /// Processes end at any time; that is no error.
        case gone
        case notPermitted
        case other(Int32)

        init(_ code: Int32) {
            switch code {
            case ENOENT, ESRCH, ENOTDIR: self = .gone
            case EACCES, EPERM: self = .notPermitted
            default: self = .other(code)
            }
        }
    }

    /// The bytes of a file; those beyond `limit` are left unread.
    func read(_ path: String, limit: Int = 1 << 16) throws(Failure) -> [UInt8] {
        try failIfAsked(path)
        let descriptor = open("\(root)/\(path)", O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw Failure(errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        // Most files of /proc fit into one page; the tables of sockets do not.
        var size = 4_096
        while bytes.count < limit {
            let wanted = min(size, limit - bytes.count)
            var result = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                repeat {
                    result = Glibc.read(descriptor, buffer.baseAddress, wanted)
                } while result < 0 && errno == EINTR
                count = max(0, result)
            }
            guard result >= 0 else { throw Failure(errno) }
            if chunk.isEmpty { break }
            if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
            size = 1 << 16
        }
        return bytes
    }

    /// Where a symbolic link leads.
    func link(_ path: String) throws(Failure) -> String {
        try failIfAsked(path)
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("\(root)/\(path)", &buffer, buffer.count)
        guard count >= 0 else { throw Failure(errno) }
        return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The entries of a directory whose names are numbers, ascending.
    func numberedEntries(_ path: String) throws(Failure) -> [Int32] {
        try failIfAsked(path)
        guard let directory = opendir(path.isEmpty ? root : "\(root)/\(path)") else { throw Failure(errno) }
        defer { closedir(directory) }
        var numbers: [Int32] = []
        while let entry = readdir(directory) {
            if let number: Int32 = ByteFields.decimal(Self.name(entry)[...]) { numbers.append(number) }
        }
        return numbers.sorted()
    }

    private func failIfAsked(_ path: String) throws(Failure) {
        if let code = fault?(path) { throw Failure(code) }
    }

    /// The name alone: an entry in the buffer may be shorter than the struct, so the struct as a whole must not be
    /// read.
    private static func name(_ entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
        let start = UnsafeRawPointer(entry) + offset
        return Array(UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self))))
    }

    /// The inodes of the sockets that a process holds.
    func socketInodes(of pid: Int32) throws(Failure) -> Set<UInt64> {
        var inodes: Set<UInt64> = []
        for descriptor in try numberedEntries("\(pid)/fd") {
            // A descriptor may be closed in between.
            guard let target = try? link("\(pid)/fd/\(descriptor)") else { continue }
            if let inode = Self.socketInode(target) { inodes.insert(inode) }
        }
        return inodes
    }

    /// `socket:[4711]`
    static func socketInode(_ link: String) -> UInt64? {
        guard link.hasPrefix("socket:["), link.hasSuffix("]") else { return nil }
        return ByteFields.decimal(Array(link.utf8.dropFirst(8).dropLast())[...])
    }
}
