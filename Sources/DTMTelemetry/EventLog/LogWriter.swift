import Glibc

/// The current log file and those put aside: `dtm.json`, `dtm.json.1` (the newest) … `dtm.json.N`.
struct LogWriter: ~Copyable {
    typealias Failure = LogSystemCalls.Failure

    private let path: String
    private let calls: LogSystemCalls
    private var file: LogFile?
    var maximumFileBytes: UInt64
    var keptFiles: Int
    /// Where the next attempt to put the file aside is due, after one that failed.
    private var rotationDelayedTo: UInt64 = 0

    init(path: String, maximumFileBytes: UInt64, keptFiles: Int, calls: LogSystemCalls) throws(Failure) {
        self.path = path
        self.calls = calls
        self.maximumFileBytes = maximumFileBytes
        self.keptFiles = keptFiles
        file = try LogFile.open(path, calls: calls)
    }

    /// Appends a line; puts the file aside before, when the line would make it too large.
    mutating func append(_ line: [UInt8]) throws(Failure) {
        var current = try takeFile()
        if current.size > 0, current.size + UInt64(line.count) > max(maximumFileBytes, rotationDelayedTo) {
            current = try rotated(current)
        }
        // When this throws, the file is closed, and opened anew by the next line: that also ends a line which could not
        // be taken back.
        try current.append(line)
        file = consume current
    }

    /// Opens the file anew by its name, as after somebody moved it away.
    mutating func reopen() throws(Failure) {
        file = nil
        file = try LogFile.open(path, calls: calls)
    }

    private mutating func takeFile() throws(Failure) -> LogFile {
        if let current = file.take() { return current }
        return try LogFile.open(path, calls: calls)
    }

    /// Puts the file aside and begins a new one. When names can't be changed, writing on is better than losing events:
    /// the file grows, and the next attempt comes when it has grown by the limit again.
    private mutating func rotated(_ current: consuming LogFile) throws(Failure) -> LogFile {
        do throws(Failure) {
            try shiftNames()
            rotationDelayedTo = 0
        } catch {
            rotationDelayedTo = current.size + maximumFileBytes
            return current
        }
        return try LogFile.open(path, calls: calls)
    }

    private func shiftNames() throws(Failure) {
        guard keptFiles > 0 else { return try calls.remove(path) }
        // The highest name is overwritten: that is how the oldest file goes.
        for number in stride(from: keptFiles - 1, to: 0, by: -1) {
            do throws(Failure) {
                try calls.rename("\(path).\(number)", "\(path).\(number + 1)")
            } catch  where error.code == ENOENT {
                // There are not so many files yet.
                continue
            }
        }
        try calls.rename(path, "\(path).1")
    }
}
