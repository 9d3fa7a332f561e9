import DTMAPI

/// What came of `dtm redteam`; also what `--json` prints.
public struct RedteamReport: Codable, Hashable, Sendable {
    /// The first that was told of an attack.
    public struct Alarm: Codable, Hashable, Sendable {
        /// A finding's code, as `decoy.touched`.
        public var code: String
        public var title: String
        /// 0–100.
        public var risk: Int
        /// Who was named, as `program:uid 65534 /usr/bin/dtm`.
        public var subject: String?
        /// Probes that had been made by then.
        public var probes: Int
        /// Since the first probe.
        public var seconds: Double
    }

    /// The first thing that was done about it.
    public struct Answer: Codable, Hashable, Sendable {
        /// As `rotate`.
        public var rung: String
        /// Since the first probe.
        public var seconds: Double
        /// What else was done until the attack was over.
        public var more: [String]
    }

    /// A probability as it was measured, and as it was promised.
    public struct Chance: Codable, Hashable, Sendable {
        /// Of what, in words.
        public var of: String
        public var hits: Int
        public var trials: Int
        public var measured: Double
        /// Wilson's interval, 95 %.
        public var low: Double
        public var high: Double
        public var formula: Double
        /// The formula itself.
        public var formulaText: String
        /// Whether the trials were probes of the attack, or drawn from the code that places listeners.
        public var live: Bool

        init(_ of: String, _ proportion: Proportion, formula: Double, _ text: String, live: Bool) {
            let interval = proportion.interval()
            (self.of, hits, trials) = (of, proportion.hits, proportion.trials)
            (measured, low, high) = (proportion.value, interval.lowerBound, interval.upperBound)
            (self.formula, formulaText, self.live) = (formula, text, live)
        }
    }

    /// One attack.
    public struct Outcome: Codable, Hashable, Sendable {
        public var attack: String
        public var title: String
        /// Whether a byte or a connection of the attacker got to the application.
        public var reached: Bool
        public var probes: Int
        /// Probes, of all, that met an endpoint that served.
        public var touchedReal: Int
        public var alarm: Alarm?
        public var response: Answer?
        public var chance: Chance?
        /// Whether the application's own client was served during and after the attack; nil where there was none.
        public var clientServed: Bool?
        public var seconds: Double
        public var notes: [String]
    }

    public var schemaVersion: Int = apiSchemaVersion
    /// The tunnel that was attacked, when it was one of a running manager; nil: tunnels of its own.
    public var tunnel: String?
    /// As whom the attacks were made.
    public var attackerUID: UInt32
    public var managerUID: UInt32?
    public var decoys: Int
    public var intervalSeconds: Double
    public var overlapSeconds: Double
    public var portRange: [UInt16]
    public var seed: UInt64
    public var seconds: Double
    public var attacks: [Outcome]
    /// Attacks for which no time was left.
    public var omitted: [String]

    /// Whether anything got to an application.
    public var anyReached: Bool { attacks.contains(where: \.reached) }
}
