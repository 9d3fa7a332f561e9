public import DTMCore

/// A hard rule: looks at one event after the other and says what it sees in them. A pure value, bounded in what it
/// remembers; it never waits and never fails.
public protocol FindingRule: Sendable {
    /// What `event` shows, in the light of what is known.
    mutating func look(at event: Event, in world: KnownWorld) -> [Sighting]
}

/// All hard rules, with what they know in common.
///
/// Feed it every event, in order. Events about findings themselves are passed over.
public struct RuleSet: Sendable {
    private var rules: [any FindingRule]
    private var world = KnownWorld()

    public init(_ rules: [any FindingRule] = Self.all) { self.rules = rules }

    /// Every rule there is.
    public static var all: [any FindingRule] {
        [
            EndpointRule(), HandshakeBurstRule(), IdentityRule(), ListenerRule(), SquatterRule(), BypassRule(),
            ProgramRule(), ManagerRule(), StateRule(), RefusalRule(), ClockRule(),
        ]
    }

    /// Takes over a tunnel that is there without an event that told it.
    public mutating func know(tunnel name: String, target: String?, app: String?) {
        world.know(tunnel: name, target: target, app: app)
    }

    /// Forgets tunnels that are not there any more.
    public mutating func forget(besides names: Set<String>) { world.forget(besides: names) }

    /// What was learnt, as bytes.
    public func snapshot() -> [UInt8] { world.snapshot() }

    /// Goes on with what was learnt before.
    ///
    /// - Throws: ``DetectorStateError``; nothing is changed then.
    public mutating func restore(_ snapshot: [UInt8]) throws { world = try KnownWorld(snapshot: snapshot) }

    /// Goes up when something is learnt that is worth a save of its own.
    public var change: UInt64 { world.change }

    /// What an event shows.
    public mutating func look(at event: Event) -> [Sighting] {
        guard !event.kind.hasPrefix("finding") else { return [] }
        var seen: [Sighting] = []
        for index in rules.indices { seen += rules[index].look(at: event, in: world) }
        world.learn(event)
        for index in seen.indices where seen[index].app == nil {
            seen[index].app = seen[index].tunnel.flatMap { world.tunnels[$0]?.app }
        }
        return seen
    }
}

/// How many there were of something lately, by key: a sliding window over the latest, bounded in keys and entries.
struct SlidingCount: Sendable {
    private var entries: [String: [(time: Timestamp, count: UInt64)]] = [:]
    private let window: Duration
    private static let mostKeys = 1_024
    private static let mostEntries = 128

    init(window: Duration) { self.window = window }

    /// - Returns: How many of `key` within the window, these included.
    mutating func add(_ key: String, count: UInt64 = 1, at time: Timestamp) -> UInt64 {
        let oldest = time - window
        if entries[key] == nil, entries.count >= Self.mostKeys {
            entries = entries.filter { ($0.value.last?.time ?? oldest) > oldest }
            if entries.count >= Self.mostKeys { entries = [:] }
        }
        var kept = (entries[key] ?? []).filter { $0.time > oldest }
        if kept.count >= Self.mostEntries {
            kept[0].count &+= kept[1].count
            kept[0].time = kept[1].time
            kept.remove(at: 1)
        }
        kept.append((time, count))
        entries[key] = kept
        return kept.reduce(0) { $0.addingReportingOverflow($1.count).partialValue }
    }
}
