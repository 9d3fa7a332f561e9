import CDTMLinux
import DTMConfiguration
import DTMCore
import DTMNotify
import Glibc
import NIOPosix

/// Starts programs one after the other, on a thread of its own.
struct HookStarter: HookStarting {
    private let thread: NIOThreadPool

    /// - Parameter thread: With one thread, started.
    init(thread: NIOThreadPool) { self.thread = thread }

    func run(_ order: HookOrder) async -> HookOutcome {
        let cancellation = dtm_eventfd()
        guard cancellation >= 0 else { return .notStarted("no descriptor is left") }
        defer { close(cancellation) }
        return await withTaskCancellationHandler {
            (try? await thread.runIfActive { HookProcess(order: order, cancellation: cancellation).run() })
                ?? .cancelled
        } onCancel: {
            var one: UInt64 = 1
            _ = write(cancellation, &one, MemoryLayout.size(ofValue: one))
        }
    }
}

/// Whether a program may be started: nobody but root and the manager's user can have put it there.
struct HookFile {
    let managerUID: UInt32

    /// - Throws: ``NotifyError``.
    func check(_ path: AbsolutePath) throws(NotifyError) {
        var facts = dtm_file_facts()
        let status = dtm_file_facts(path.text, 0, &facts)
        guard status == 0 else {
            throw NotifyError(.command, "\(path) is not there: \(String(cString: strerror(-status)))")
        }
        guard facts.mode & S_IFMT == S_IFREG, facts.mode & 0o111 != 0 else {
            throw NotifyError(.command, "\(path) is no program", hint: "chmod 755 \(path); no symbolic link")
        }
        try checkOwner(facts, path.text)
        var folder = path.text[...]
        while let slash = folder.lastIndex(of: "/"), folder.count > 1 {
            folder = slash == folder.startIndex ? "/" : folder[..<slash]
            guard dtm_file_facts(String(folder), 0, &facts) == 0, facts.mode & S_IFMT == S_IFDIR else {
                throw NotifyError(.command, "\(folder) is no folder", hint: "name the program without symbolic links")
            }
            // Where the sticky bit is set, others can't exchange what is not theirs.
            if facts.mode & S_ISVTX == 0 { try checkOwner(facts, String(folder)) }
        }
    }

    private func checkOwner(_ facts: dtm_file_facts, _ path: String) throws(NotifyError) {
        guard facts.owner == 0 || facts.owner == managerUID, facts.mode & 0o022 == 0 else {
            throw NotifyError(
                .command, "\(path) can be written by others than root and the manager's user",
                hint: "chmod go-w \(path)")
        }
    }
}
