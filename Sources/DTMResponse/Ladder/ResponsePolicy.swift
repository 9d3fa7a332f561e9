public import DTMCore

/// Whom no response cuts off, whatever speaks against him: he is never throttled, quarantined, revoked or stopped.
///
/// Who could be, could be used: an attacker raises an alarm about the operator, and the operator is locked out.
public struct ProtectedSubjects: Hashable, Sendable {
    public var uids: Set<UInt32>
    public var executables: Set<String>
    /// SPIFFE IDs.
    public var identities: Set<String>
    /// Stable names.
    public var applications: Set<String>

    public init(
        uids: Set<UInt32> = [], executables: Set<String> = [], identities: Set<String> = [],
        applications: Set<String> = []
    ) {
        self.uids = uids
        self.executables = executables
        self.identities = identities
        self.applications = applications
    }

    /// Whether it is one of them. A tunnel and the host themselves are: nothing there can be cut off.
    public func contains(_ subject: ResponseSubject) -> Bool {
        switch subject {
        case .identity(let identity): identities.contains(identity)
        case .program(let uid, let executable):
            uids.contains(uid) || executable.map { executables.contains($0) } ?? false
        case .application(let name): applications.contains(name)
        case .tunnel, .host: true
        }
    }
}

/// When the ladder is climbed, how far, and for how long. The defaults are what `docs/response.md` gives reasons for.
public struct ResponsePolicy: Hashable, Sendable {
    public var mode: ResponseMode
    /// The risk that alarms.
    public var threshold = 70
    /// A risk below it is calm.
    public var calmBelow = 50
    /// How long it must be calm for an alarm to end.
    public var calmFor: Duration = .seconds(300)
    /// How many of the last ``samples`` must alarm: one spike of a detector is none.
    public var alarmingSamples = 3
    public var samples = 5
    /// The least time between two steps upward for a subject.
    public var climbInterval: Duration = .seconds(60)
    /// How long the first response of a kind to a subject lasts; each repetition doubles it.
    public var firstLifetime: Duration = .seconds(600)
    public var longestLifetime: Duration = .seconds(86_400)
    /// How long a repetition is one, and a proposal waits.
    public var memory: Duration = .seconds(86_400)
    /// The most rotations of a tunnel within ``rotationWindow``, besides those of its schedule.
    public var rotations = 3
    public var rotationWindow: Duration = .seconds(600)
    /// One in this many applications may be in quarantine.
    public var quarantineShare = 3
    public var protected: ProtectedSubjects
    public var maximumSubjects = 1_024
    public var maximumProposals = 64
    public var maximumActive = 256
    /// How many that are over are remembered to be shown.
    public var maximumPast = 128

    public init(mode: ResponseMode = .guardian, protected: ProtectedSubjects = ProtectedSubjects()) {
        self.mode = mode
        self.protected = protected
    }

    /// How long a response lasts that was given `repetitions` times before.
    public func lifetime(afterRepetitions repetitions: Int) -> Duration {
        var lifetime = firstLifetime
        for _ in 0..<min(max(repetitions, 0), 32) where lifetime < longestLifetime { lifetime = lifetime * 2 }
        return min(lifetime, longestLifetime)
    }
}

extension ResponseSubject {
    /// The rungs that can be aimed at it, the mildest first.
    ///
    /// - Parameter hasTunnel: Whether a tunnel is known that the finding is about.
    public func rungs(hasTunnel: Bool) -> [ResponseRung] {
        let general: [ResponseRung] = [.record, .notify] + (hasTunnel ? [.rotate, .raiseDecoys] : [])
        return switch self {
        case .identity: general + [.throttle, .quarantine, .revoke]
        case .program: general + [.throttle, .quarantine, .revoke, .stopApplication]
        case .application: general + [.stopApplication]
        case .tunnel: general
        case .host: [.record, .notify]
        }
    }
}

extension ResponseRung {
    /// Whether it lasts, and is taken back when its time is over. The others are done once.
    public var lasts: Bool {
        switch self {
        case .raiseDecoys, .throttle, .quarantine: true
        case .record, .notify, .rotate, .revoke, .stopApplication: false
        }
    }

    /// Whether it cuts somebody off, and so never meets who is protected.
    public var cutsOff: Bool { self >= .throttle }

    /// The rung of a ``name``.
    public init?(name: String) {
        guard let rung = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = rung
    }
}
