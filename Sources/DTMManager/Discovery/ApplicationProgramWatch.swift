import DTMCore
import DTMDiscovery
import Glibc

/// What makes a file the same file: a look at it costs one system call.
struct ProgramFile: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var modifiedSeconds: Int64
    var modifiedNanoseconds: Int64

    /// Nil when it can't be looked at.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modifiedSeconds = Int64(status.st_mtim.tv_sec)
        modifiedNanoseconds = Int64(status.st_mtim.tv_nsec)
    }

    init(device: UInt64 = 1, inode: UInt64, size: Int64 = 0, modifiedSeconds: Int64 = 0) {
        self.device = device
        self.inode = inode
        self.size = size
        self.modifiedSeconds = modifiedSeconds
        modifiedNanoseconds = 0
    }
}

/// Notices when the file of a program that runs behind a tunnel is no longer the one that runs, or was written to.
///
/// A value. A program that differs from the file at its path when it is first seen is left alone: it runs in a mount
/// namespace of its own, or was upgraded before.
struct ApplicationProgramWatch: Sendable {
    /// One process and both files.
    struct Look: Hashable, Sendable {
        var process: ProcessIdentity
        var app: String
        var uid: UInt32
        var path: String
        /// The file that runs.
        var running: ProgramFile?
        /// The file at the path; nil when there is none.
        var onDisk: ProgramFile?
    }

    private struct Known: Sendable {
        var facts: ProgramFile
        var isTold = false
    }

    static let maximumProcesses = 256
    private var known: [ProcessIdentity: Known?] = [:]

    /// What changed since the last look.
    mutating func look(_ looks: [Look], at now: Timestamp) -> [Event] {
        var next: [ProcessIdentity: Known?] = [:]
        var events: [Event] = []
        for look in looks.prefix(Self.maximumProcesses) {
            guard let running = look.running else { continue }
            guard let before = known[look.process] else {
                next[look.process] = .some(running == look.onDisk ? Known(facts: running) : nil)
                continue
            }
            var entry = before
            if let facts = before, !facts.isTold, look.onDisk != facts.facts {
                entry?.isTold = true
                events.append(event(look, now))
            }
            next[look.process] = .some(entry)
        }
        known = next
        return events
    }

    private func event(_ look: Look, _ now: Timestamp) -> Event {
        Event(
            time: now, kind: Event.Kind.applicationExecutableChanged, severity: .warning, app: look.app,
            detail: [
                "pid": .integer(Int64(look.process.pid)), "uid": .integer(Int64(look.uid)),
                "executable": .string(look.path),
                "reason": .string(look.onDisk == nil ? "the file is gone" : "another file, or another content"),
            ])
    }
}
