import CDTMLinux
import Glibc

/// The signals that a console answers, as a descriptor. Made before any other thread exists, so that none of them gets one.
public struct ConsoleSignals: Sendable {
    let descriptor: CInt

    /// Nil when the kernel gives none.
    public init?() {
        let numbers: [CInt] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH]
        descriptor = dtm_signal_descriptor(numbers, CInt(numbers.count))
        guard descriptor >= 0 else { return nil }
    }

    /// Nil when there is none. Does not wait.
    func next() -> CInt? {
        let number = dtm_next_signal(descriptor)
        return number > 0 ? number : nil
    }
}
