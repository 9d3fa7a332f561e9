public import DTMCore

/// What one receiver still has to be told, and how that goes: a queue with a bound, a rate and retries.
///
/// A value without I/O. Its life: ``take(_:)`` for each notification → ``next(at:)`` says what to do → the attempt is made →
/// ``outcome(_:at:jitter:)``. One attempt at a time, in order: nobody overtakes what is tried again.
public struct Outbox: Sendable {
    /// What is sent, and how often.
    public struct Limits: Hashable, Sendable {
        public var minimumSeverity: Severity
        public var minimumRisk: Int
        public var maximumPerMinute: Int
        /// The most that wait.
        public var capacity = 256

        public init(minimumSeverity: Severity = .notice, minimumRisk: Int = 0, maximumPerMinute: Int = 60) {
            self.minimumSeverity = minimumSeverity
            self.minimumRisk = minimumRisk
            self.maximumPerMinute = maximumPerMinute
        }
    }

    /// What there is to do.
    public enum Step: Hashable, Sendable {
        case nothing
        case wait(until: Timestamp)
        case send(Notification)
    }

    /// What somebody should hear of.
    public enum Change: Hashable, Sendable {
        /// The first that failed after one that did not.
        case failing(String)
        /// The first that did not after one that did.
        case recovered
    }

    public var limits: Limits
    public let policy: RetryPolicy
    public private(set) var delivered: UInt64 = 0
    public private(set) var failed: UInt64 = 0
    public private(set) var dropped: UInt64 = 0
    /// Why the last attempt did not go well; nil when it did.
    public private(set) var problem: String?
    private var queue: [Notification] = []
    private var attempt = 0
    private var notBefore: Timestamp?
    private var sent: [Timestamp] = []
    private var isFailing = false
    private var droppedUntold: UInt64 = 0
    private var droppedTold: Timestamp?

    public init(limits: Limits, policy: RetryPolicy = RetryPolicy()) {
        self.limits = limits
        self.policy = policy
    }

    /// How many wait, the one that is tried among them.
    public var waiting: Int { queue.count }

    /// Whether a receiver with these limits is told.
    public static func wants(_ notification: Notification, _ limits: Limits) -> Bool {
        notification.severity >= limits.minimumSeverity
            && notification.risk.map { $0 >= limits.minimumRisk } ?? true
    }

    /// Takes it to the end of the queue, if the receiver wants it; the oldest makes room.
    ///
    /// - Returns: Whether it waits now.
    @discardableResult
    public mutating func take(_ notification: Notification) -> Bool {
        guard Self.wants(notification, limits) else { return false }
        if queue.count >= max(1, limits.capacity) {
            queue.removeFirst()
            // Whatever was known of attempts was about the one that is gone; the pause holds on for the receiver's sake.
            attempt = 0
            drop(1)
        }
        queue.append(notification)
        return true
    }

    /// Counts what never got here.
    public mutating func drop(_ count: UInt64) {
        dropped += count
        droppedUntold += count
    }

    /// How many were dropped since the last answer; nil when there is nothing to tell, or it was told less than a minute
    /// ago.
    public mutating func droppedToTell(at now: Timestamp) -> UInt64? {
        guard droppedUntold > 0, droppedTold.map({ now - $0 >= .seconds(60) || now < $0 }) ?? true else { return nil }
        defer { (droppedUntold, droppedTold) = (0, now) }
        return droppedUntold
    }

    /// What there is to do now. `send` counts as an attempt.
    public mutating func next(at now: Timestamp) -> Step {
        guard let first = queue.first else { return .nothing }
        if let notBefore, now < notBefore { return .wait(until: notBefore) }
        // A clock that was set back must not hold anything up for longer than a minute.
        sent.removeAll { now - $0 >= .seconds(60) || now < $0 }
        if sent.count >= limits.maximumPerMinute, let oldest = sent.first { return .wait(until: oldest + .seconds(60)) }
        sent.append(now)
        return .send(first)
    }

    /// How the attempt of ``next(at:)`` went.
    public mutating func outcome(
        _ result: AttemptResult, of notification: Notification, at now: Timestamp, jitter: Double
    ) -> Change? {
        let isFirst = queue.first?.id == notification.id
        attempt = isFirst ? attempt + 1 : 1
        switch policy.decide(result, attempt: attempt, jitter: jitter) {
        case .delivered:
            delivered += 1
            finish(isFirst)
            problem = nil
            defer { isFailing = false }
            return isFailing ? .recovered : nil
        case .again(let pause, let reason):
            problem = reason
            // It made room for a newer one meanwhile, and was counted as dropped.
            if !isFirst { attempt = 0 }
            notBefore = now + pause
            return nil
        case .failed(let reason):
            problem = reason
            if isFirst { failed += 1 }
            finish(isFirst)
            defer { isFailing = true }
            return isFailing ? nil : .failing(reason)
        }
    }

    private mutating func finish(_ isFirst: Bool) {
        if isFirst { queue.removeFirst() }
        attempt = 0
        notBefore = nil
    }
}
