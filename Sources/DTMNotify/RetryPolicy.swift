/// How one attempt to tell somebody went.
public enum AttemptResult: Hashable, Sendable {
    /// It was taken.
    case accepted
    /// The receiver's answer, 2xx excepted, and what it said in `Retry-After`.
    case status(Int, retryAfter: Duration?)
    /// Nobody answered, or not in time: another time may go better.
    case unreachable(String)
    /// Another time would go no better.
    case refused(String)
}

/// When an attempt is made again.
public struct RetryPolicy: Hashable, Sendable {
    /// What becomes of a notification after an attempt.
    public enum Decision: Hashable, Sendable {
        case delivered
        case again(after: Duration, because: String)
        case failed(String)
    }

    /// How often it is tried.
    public var attempts = 6
    /// The pause after the first attempt; it doubles with each.
    public var firstPause: Duration = .seconds(1)
    /// The longest pause, also when the receiver asks for a longer one.
    public var longestPause: Duration = .seconds(300)

    /// The defaults: six attempts within about half a minute.
    public init() {}

    /// - Parameters:
    ///   - attempt: 1 for the first.
    ///   - jitter: 0 to 1, drawn anew each time: a quarter of the pause depends on it, so that many do not come back at once.
    public func decide(_ result: AttemptResult, attempt: Int, jitter: Double) -> Decision {
        let (reason, isWorthwhile, asked): (String, Bool, Duration?) =
            switch result {
            case .accepted: ("", false, nil)
            case .status(let code, let retryAfter):
                (Self.words(code), code == 408 || code == 429 || code >= 500, retryAfter)
            case .unreachable(let reason): (reason, true, nil)
            case .refused(let reason): (reason, false, nil)
            }
        if result == .accepted { return .delivered }
        guard isWorthwhile, attempt < attempts else { return .failed(reason) }
        return .again(after: pause(after: attempt, jitter, asked), because: reason)
    }

    private func pause(after attempt: Int, _ jitter: Double, _ asked: Duration?) -> Duration {
        let doubled = firstPause * (1 << min(max(0, attempt - 1), 20))
        let own = min(doubled, longestPause) * (1 - 0.25 * min(max(0, jitter), 1))
        return min(max(own, asked ?? .zero), longestPause)
    }

    private static func words(_ code: Int) -> String {
        (300..<400).contains(code)
            ? "the receiver answered \(code), a redirect, which is not followed" : "the receiver answered \(code)"
    }

    /// What `Retry-After` says (RFC 9110, section 10.2.3) in seconds; nil for a date, and for anything else.
    public static func retryAfter(_ text: String) -> Duration? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text).map { .seconds($0) }
    }
}
