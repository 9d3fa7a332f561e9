import DTMCore
import Glibc

/// Ends the processes of a launcher that was killed, so that the home is free for the next.
enum Orphans {
    /// How long they may take before they are killed.
    private static let patience = Duration.milliseconds(700)

    static func end(_ survivors: [ProcessRecord.Entry]) {
        guard !survivors.isEmpty else { return }
        for entry in survivors { kill(entry.pid, SIGTERM) }
        let deadline = ContinuousClock.now + patience
        while ContinuousClock.now < deadline {
            if survivors.allSatisfy(hasEnded) { return }
            var wait = timespec(tv_sec: 0, tv_nsec: 5_000_000)
            nanosleep(&wait, nil)
        }
        for entry in survivors where !hasEnded(entry) { kill(entry.pid, SIGKILL) }
    }

    private static func hasEnded(_ entry: ProcessRecord.Entry) -> Bool {
        ProcessRecord.startTicks(of: entry.pid) != entry.startTicks
    }
}
