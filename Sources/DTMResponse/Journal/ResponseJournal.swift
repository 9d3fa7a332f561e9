public import DTMCore

/// What of the responses outlives the manager: what is in force and must be taken back one day, what waits for a person,
/// how often whom was answered, and whether all is stopped.
///
/// An order is in it before it is carried out, and leaves it once it is known to be taken back: whatever happens in
/// between, the next start knows what may be in force.
public struct ResponseJournal: Hashable, Sendable {
    /// What is repeated.
    public struct Repeated: Hashable, Sendable {
        public let subject: ResponseSubject
        public let rung: ResponseRung
    }

    /// How often, and when last.
    public struct Repetition: Hashable, Sendable {
        public internal(set) var count: Int
        public internal(set) var last: Timestamp
    }

    /// The most entries that are kept.
    public static let maximumEntries = 1_024
    /// The most repetitions that are kept.
    public static let maximumRepetitions = 1_024

    /// The number of the next response.
    public internal(set) var next: UInt64 = 1
    public internal(set) var isStopped = false
    public internal(set) var entries: [Response.ID: Response] = [:]
    public internal(set) var repetitions: [Repeated: Repetition] = [:]

    public init() {}

    /// What waits for a person, the oldest first.
    public var proposals: [Response] { sorted { $0.phase == .proposed } }

    /// What is or may be in force, the oldest first.
    public var active: [Response] { sorted { $0.phase != .proposed } }

    private func sorted(_ isWanted: (Response) -> Bool) -> [Response] {
        entries.values.filter(isWanted).sorted { $0.id < $1.id }
    }

    mutating func takeNumber() -> Response.ID {
        defer { next += 1 }
        return Response.ID(number: next)
    }

    /// Counts one more, and forgets the rarest and oldest where there are too many.
    mutating func note(_ repeated: Repeated, at now: Timestamp) {
        if repetitions[repeated] == nil, repetitions.count >= Self.maximumRepetitions,
            let least = repetitions.min(by: {
                ($0.value.count, $0.value.last, $0.key.subject.description)
                    < ($1.value.count, $1.value.last, $1.key.subject.description)
            })
        {
            repetitions[least.key] = nil
        }
        var repetition = repetitions[repeated] ?? Repetition(count: 0, last: now)
        repetition.count = min(repetition.count + 1, 1_000)
        repetition.last = now
        repetitions[repeated] = repetition
    }
}
