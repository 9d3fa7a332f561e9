import DTMCore
public import DTMTunnel
import Glibc
import NIOConcurrencyHelpers

/// Told what a connector meets, in words for its operator.
public protocol ConnectorNoticing: ConnectorObserver {
    /// May be called often with the same text.
    func say(_ text: String)
}

/// Lets each text pass once a while: a manager that is away for an hour is one line a minute.
public final class NoticeFilter: Sendable {
    private let recent = NIOLockedValueBox<[String: ContinuousClock.Instant]>([:])
    private let quiet: Duration

    /// - Parameter quiet: how long the same text does not pass again.
    public init(quiet: Duration = .seconds(60)) { self.quiet = quiet }

    /// Whether it is to be told now.
    public func passes(_ text: String) -> Bool {
        let now = ContinuousClock.now
        return recent.withLockedValue { recent in
            if let last = recent[text], last.duration(to: now) < quiet { return false }
            // A bound, not a cache: texts are few.
            if recent.count > 64 { recent.removeAll() }
            recent[text] = now
            return true
        }
    }
}

/// Says on standard error what an operator should know.
final class ConnectorNotices: ConnectorNoticing {
    private let filter: NoticeFilter

    /// - Parameter quiet: how long the same text is not said again.
    init(quiet: Duration = .seconds(60)) { filter = NoticeFilter(quiet: quiet) }

    func say(_ text: String) {
        guard filter.passes(text) else { return }
        let line = "dtm: \(text)\n"
        _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }

    func connectionFailed(_ error: any Error) {
        say((error as? any DescribedError)?.message ?? "a connection through the tunnel failed")
    }

    func callerRefused(_ reason: String) { say("a local connection was refused: \(reason)") }

    func acceptingIsPaused(_ isPaused: Bool) {
        say(isPaused ? "too many open files; accepting pauses" : "accepting again")
    }
}
