import DTMCore

/// What is known of one subject: whether an alarm about it is on, and how far up the ladder it got.
struct SubjectState: Hashable, Sendable {
    /// Whether the last samples alarmed, the oldest first.
    private(set) var samples: [Bool] = []
    /// Whether an alarm is on.
    var isRaised = false
    /// The highest rung that was done, proposed or withheld in this alarm.
    var rung = ResponseRung.record
    /// When the last step upward was; nil before the first.
    var climbedAt: Timestamp?
    /// Evidence that came since the last step, and was not answered by one.
    var pressing: Evidence?
    /// When it was last not calm.
    var lastUncalm: Timestamp
    /// When anything was last heard of it.
    var lastSeen: Timestamp

    init(at now: Timestamp) { (lastUncalm, lastSeen) = (now, now) }

    /// - Returns: Whether enough of the last samples alarm.
    mutating func sample(_ isAlarming: Bool, _ policy: ResponsePolicy) -> Bool {
        samples.append(isAlarming)
        if samples.count > policy.samples { samples.removeFirst(samples.count - policy.samples) }
        return samples.count(where: { $0 }) >= policy.alarmingSamples
    }

    /// The alarm is over.
    mutating func calm() {
        samples = []
        isRaised = false
        rung = .record
        pressing = nil
    }
}

/// What speaks against a subject.
struct Evidence: Hashable, Sendable {
    var risk: Int
    var tunnel: String?
    var reason: String
}
