import Glibc

/// What was written while nobody could be shown it: the latest 64 KiB.
struct TextBacklog {
    static let limit = 64 << 10
    private var bytes: [UInt8] = []
    private var dropped = 0

    /// Forgets the oldest when it is too much.
    mutating func append(_ more: some Collection<UInt8>) {
        bytes += more.suffix(Self.limit)
        let excess = max(0, bytes.count - Self.limit)
        dropped += more.count - min(more.count, Self.limit) + excess
        bytes.removeFirst(excess)
    }

    /// All there is, from the beginning of a line; it is empty then.
    mutating func take() -> [UInt8] {
        defer { self = Self() }
        guard dropped > 0 else { return bytes }
        let note = Array("dtm: … more was written before this\n".utf8)
        return note + (bytes.firstIndex(of: UInt8(ascii: "\n")).map { bytes[($0 + 1)...] } ?? bytes[...])
    }
}

/// Through which the other processes write, so that nothing of theirs gets between what the console draws: the launcher passes
/// it on to standard error, at once or after the console.
///
/// Writing never waits: while the launcher is stopped, what does not fit is lost to whoever writes it, rather than to hold
/// him up.
final class OutputPipe {
    let reading: CInt
    let writing: CInt

    /// Nil when there are no descriptors left.
    init?() {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        reading = ends[0]
        writing = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
    }

    deinit {
        close(reading)
        close(writing)
    }

    /// What has been written since, at most so much that the caller gets on.
    func read() -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while all.count < TextBacklog.limit {
            let count = Glibc.read(reading, &buffer, buffer.count)
            guard count > 0 else { break }
            all += buffer.prefix(count)
        }
        return all
    }
}
