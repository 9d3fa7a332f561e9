import DTMCore

/// An object of the file with a fixed set of keys.
struct SchemaSection: Sendable {
    let name: String
    let fields: [Field<Configuration>]

    init<Section: Sendable>(
        _ name: String, _ keyPath: any WritableKeyPath<Configuration, Section> & Sendable, _ fields: [Field<Section>]
    ) {
        self.name = name
        self.fields = fields.map { $0.lifted(keyPath) }
    }
}

/// Every key there is. Reading, writing, comparing and the documentation's test all go by these tables.
enum Schema {
    static let keyOfTheProvider = "openai_api_key"
    static let tunnels = "tunnels"
    static let connectors = "connectors"

    static let sections = [
        SchemaSection("rotation", \.rotation, rotation),
        SchemaSection("certificates", \.certificates, certificates),
        SchemaSection("timeouts", \.timeouts, timeouts),
        SchemaSection("limits", \.limits, limits),
        SchemaSection("logging", \.logging, logging),
        SchemaSection("orphan", \.orphan, orphan),
        SchemaSection("memory", \.memory, memory),
        SchemaSection("verification", \.verification, verification),
        SchemaSection("discovery", \.discovery, discovery),
        SchemaSection("autoTunnel", \.autoTunnel, autoTunnel),
        SchemaSection("backup", \.backup, backup),
        SchemaSection("analysis", \.analysis, analysis),
        SchemaSection("response", \.response, response),
        SchemaSection("notify", \.notify, notify),
    ]

    static let topLevelNames = sections.map(\.name) + [keyOfTheProvider, tunnels, connectors]

    private static let longer = "an endpoint that somebody has found stays of use for longer"

    private static let rotation: [Field<RotationSettings>] = [
        Field("intervalSeconds", \.intervalSeconds, .seconds(0.2...86_400), weakens: .whenHigher(longer)),
        Field("overlapSeconds", \.overlapSeconds, .seconds(0...864_000), weakens: .whenHigher(longer)),
        Field(
            "portRange", \.portRange, .portRange,
            weakens: Weakening(reason: "a scan has fewer ports to try") { $1.count < $0.count }),
        Field(
            "addresses", \.addresses, .choice,
            weakens: Weakening(reason: "a scan has one address to try") { $0 == .hop && $1 == .fixed }),
        Field("decoys", \.decoys, .count(decoyCounts), weakens: .whenLower(fewerDecoys)),
    ]

    static let decoyCounts = 0...1_000
    static let fewerDecoys = "who probes is less likely to meet a decoy first"

    private static let certificates: [Field<CertificateSettings>] = [
        Field(
            "leafLifetimeSeconds", \.leafLifetimeSeconds, .seconds(10...604_800), effect: .restart,
            weakens: .whenHigher("a stolen leaf stays of use for longer")),
        Field("renewalMarginSeconds", \.renewalMarginSeconds, .seconds(1...483_840), effect: .restart),
        Field(
            "authorityLifetimeSeconds", \.authorityLifetimeSeconds, .seconds(40...315_360_000), effect: .restart,
            weakens: .whenHigher("a stolen authority stays of use for longer")),
        Field(
            "maximumConnectionAgeSeconds", \.maximumConnectionAgeSeconds, .secondsOrOff(1...2_592_000),
            weakens: .whenHigherOrOff("a connection may outlive its certificate by more")),
    ]

    private static let timeouts: [Field<TimeoutSettings>] = [
        Field("connectSeconds", \.connectSeconds, .seconds(0.1...300)),
        Field("handshakeSeconds", \.handshakeSeconds, .seconds(0.5...300)),
        Field("idleSeconds", \.idleSeconds, .secondsOrOff(1...604_800)),
        Field("drainSeconds", \.drainSeconds, .seconds(0...3_600), effect: .restart),
    ]

    private static let limits: [Field<LimitSettings>] = [
        Field("maximumConnections", \.maximumConnections, .count(1...1_000_000)),
        Field("maximumConnectionsPerTunnel", \.maximumConnectionsPerTunnel, .count(1...1_000_000)),
        Field("maximumTunnels", \.maximumTunnels, .count(1...4_096)),
    ]

    private static let less = "less of what happened can be read afterwards"

    private static let logging: [Field<LoggingSettings>] = [
        Field("level", \.level, .choice, weakens: .whenHigher(less)),
        Field(
            "maximumFileBytes", \.maximumFileBytes, .count(65_536...1_073_741_824, unit: "bytes"), effect: .restart,
            weakens: .whenLower(less)),
        Field("keptFiles", \.keptFiles, .count(1...100), effect: .restart, weakens: .whenLower(less)),
    ]

    private static let orphan: [Field<OrphanSettings>] = [
        Field(
            "limitSeconds", \.limitSeconds, .seconds(0...86_400), effect: .restart,
            weakens: .whenHigher("tunnels serve for longer without anyone who could revoke"))
    ]

    private static let memory: [Field<MemorySettings>] = [
        Field(
            "protection", \.protection, .choice, effect: .restart,
            weakens: Weakening(reason: "keys may lie where root, and a dump of the kernel, can read them") {
                $0 == .require && $1 == .prefer
            })
    ]

    private static let verification: [Field<VerificationSettings>] = [
        Field(
            "intervalSeconds", \.intervalSeconds, .seconds(5...3_600),
            weakens: .whenHigher("a protection that was taken away is noticed later"))
    ]

    private static let discovery: [Field<DiscoverySettings>] = [
        Field(
            "enabled", \.enabled, .flag,
            weakens: .whenSwitchedOff("what starts, listens and connects is no longer noticed by itself")),
        Field(
            "intervalSeconds", \.intervalSeconds, .seconds(0.2...3_600),
            weakens: .whenHigher("what is short may pass unnoticed")),
    ]

    private static let fewer = "fewer listeners are protected by themselves"

    private static let autoTunnel: [Field<AutoTunnelSettings>] = [
        Field(
            "enabled", \.enabled, .flag,
            weakens: .whenSwitchedOff("new listeners are no longer protected by themselves")),
        Field("graceSeconds", \.graceSeconds, .seconds(0...86_400)),
        Field("maximumTunnels", \.maximumTunnels, .count(1...4_096), weakens: .whenLower(fewer)),
        Field("maximumPerApplication", \.maximumPerApplication, .count(1...4_096), weakens: .whenLower(fewer)),
        Field(
            "allow", \.allow, .listenerRules,
            weakens: Weakening(reason: fewer) { old, new in
                !new.isEmpty && (old.isEmpty || !Set(old).isSubset(of: new))
            }),
        Field(
            "deny", \.deny, .listenerRules,
            weakens: Weakening(reason: fewer) { old, new in !Set(new).isSubset(of: old) }),
        Field("useDefaultDeny", \.useDefaultDeny, .flag, weakens: Weakening(reason: fewer) { !$0 && $1 }),
    ]

    private static let backup: [Field<BackupSettings>] = [
        Field(
            "intervalSeconds", \.intervalSeconds, .seconds(60...86_400),
            weakens: .whenHigher("more is lost with the host")),
        Field(
            "keepCount", \.keepCount, .count(1...10_000, unit: "backups"),
            weakens: .whenLower("fewer days to go back to")),
        Field("keepDays", \.keepDays, .count(1...3_650, unit: "days"), weakens: .whenLower("fewer days to go back to")),
    ]

    private static let analysis: [Field<AnalysisSettings>] = [
        Field("enabled", \.enabled, .flag, weakens: .whenSwitchedOff("traffic is no longer judged")),
        Field("model", \.model, .modelName),
        Field("intervalSeconds", \.intervalSeconds, .seconds(1...86_400)),
        Field(
            "securityThreshold", \.securityThreshold, .number(0...1),
            weakens: .whenHigher("findings of a higher risk go without a response")),
        Field(
            "models", \.models, .models,
            weakens: Weakening(reason: "figures of applications are sent to one more place") { old, new in
                !Set(new.map(\.url)).isSubset(of: old.map(\.url))
            }),
    ]

    private static let response: [Field<ResponseSettings>] = [
        Field(
            "mode", \.mode, .choice,
            weakens: Weakening(reason: "less is done about a finding without a person") {
                $1.highestAutomaticRung < $0.highestAutomaticRung
            }),
        Field(
            "climbSeconds", \.climbSeconds, .seconds(1...3_600),
            weakens: .whenHigher("an attacker who goes on has longer until the next response")),
        Field(
            "protected", \.protected, .protectedRules,
            weakens: Weakening(reason: "more programs are never cut off") { old, new in !Set(new).isSubset(of: old) }),
    ]
}
