import Glibc

/// The processes of the manager that has a home now, in `run/processes`: a line `PID STARTTICKS ROLE` for each.
///
/// If a launcher is killed, its processes go on serving. The next launcher of the home finds them here and ends them. A
/// process id may have been used again by then: the start time (`proc(5)`, field 22 of `/proc/PID/stat`) tells.
struct ProcessRecord {
    let path: String

    init(home: String) { path = "\(home)/run/processes" }

    struct Entry: Equatable {
        var pid: pid_t
        var startTicks: UInt64
        var role: String
    }

    /// Those that still run and are the ones that were written down.
    func survivors() -> [Entry] {
        entries().filter { Self.startTicks(of: $0.pid) == $0.startTicks }
    }

    func entries() -> [Entry] {
        Self.parse(Self.contents(of: path, limit: 4_096))
    }

    static func parse(_ bytes: [UInt8]) -> [Entry] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").prefix(16).compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 3, let pid = pid_t(fields[0]), pid > 1, let ticks = UInt64(fields[1]) else {
                return nil
            }
            return Entry(pid: pid, startTicks: ticks, role: String(fields[2]))
        }
    }

    func write(_ processes: [(pid: pid_t, role: String)]) {
        let text = processes.compactMap { process in
            Self.startTicks(of: process.pid).map { "\(process.pid) \($0) \(process.role)\n" }
        }.joined()
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        _ = text.withCString { Glibc.write(descriptor, $0, strlen($0)) }
        close(descriptor)
    }

    func remove() { unlink(path) }

    static func startTicks(of pid: pid_t) -> UInt64? {
        let text = String(decoding: contents(of: "/proc/\(pid)/stat", limit: 4_096), as: UTF8.self)
        // The name in parentheses may hold anything, parentheses as well: the last one ends it.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // A zombie holds no home any more.
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return UInt64(fields[19])
    }

    private static func contents(of path: String, limit: Int) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = read(descriptor, &bytes, limit)
        return Array(bytes.prefix(max(0, count)))
    }
}
