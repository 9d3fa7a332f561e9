import Glibc

/// An open log file. Whole lines go in or none: what a full disk cuts is taken back.
struct LogFile: ~Copyable {
    typealias Failure = LogSystemCalls.Failure

    private let descriptor: Int32
    private let calls: LogSystemCalls
    /// In bytes.
    private(set) var size: UInt64

    private init(descriptor: Int32, calls: LogSystemCalls) {
        self.descriptor = descriptor
        self.calls = calls
        size = 0
    }

    /// Opens `path` for appending.
    ///
    /// - Throws: When it can't be opened, is no ordinary file, or is another user's.
    static func open(_ path: String, calls: LogSystemCalls) throws(Failure) -> LogFile {
        var file = LogFile(descriptor: try calls.open(path), calls: calls)
        try file.check()
        try file.endTornLine()
        return file
    }

    private mutating func check() throws(Failure) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_nlink <= 1 else {
            throw .notOrdinary
        }
        // An older file may have been made readable to others; this tightens it and can't fail on one's own file.
        if status.st_mode & 0o177 != 0 { fchmod(descriptor, 0o600) }
        size = UInt64(clamping: status.st_size)
    }

    deinit { close(descriptor) }

    /// A crash of the machine may have cut the last line: the next one must not grow together with it.
    private mutating func endTornLine() throws(Failure) {
        var last: UInt8 = 0
        guard size > 0, pread(descriptor, &last, 1, Int(clamping: size - 1)) == 1, last != UInt8(ascii: "\n") else {
            return
        }
        try append([UInt8(ascii: "\n")])
    }

    /// Appends `bytes` as a whole, or leaves the file as it was and throws.
    mutating func append(_ bytes: [UInt8]) throws(Failure) {
        var written = 0
        while written < bytes.count {
            do throws(Failure) {
                let start = written
                written += try bytes.withUnsafeBufferPointer { buffer throws(Failure) in
                    try calls.write(descriptor, UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[start...])))
                }
            } catch {
                if error.code == EINTR { continue }
                if written > 0 { takeBack(written) }
                throw error
            }
        }
        size += UInt64(bytes.count)
    }

    /// Removes the beginning of a line that could not be finished; where even that fails, the next opening ends the
    /// line.
    private mutating func takeBack(_ count: Int) {
        do { try calls.truncate(descriptor, size) } catch { size += UInt64(count) }
    }
}
