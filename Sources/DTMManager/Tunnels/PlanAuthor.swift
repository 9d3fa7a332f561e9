import DTMConfiguration
import DTMCore
import DTMPlan

/// Whom the data plane trusts: what certificates contribute to a plan.
struct TrustSnapshot: Hashable, Sendable {
    /// Rises with every change.
    var revision: UInt64 = 0
    var trustDomain: String
    /// DER, the authority that issues first.
    var bundle: [[UInt8]]
    var revokedSerials: [SerialNumber] = []
    var revokedIdentities: [String] = []
}

/// Writes plans. Versions rise; a plan that says the same as the one before is not written again.
struct PlanAuthor: Sendable {
    private(set) var current: Plan?
    private var version: UInt64 = 0
    /// Never falls: leaves that were issued while it was higher must stay good.
    private var leafLifetimeSeconds: UInt32 = 1

    init() {}

    /// For another data plane, which knows nothing yet; versions go on rising.
    init(after author: Self) {
        version = author.version
        leafLifetimeSeconds = author.leafLifetimeSeconds
    }

    /// The plan that makes `table` true; nil when the data plane has been told all of it already.
    mutating func write(_ table: TunnelTable, trust: TrustSnapshot, cutOff: CutOff = CutOff()) -> Plan? {
        let configuration = table.defaults.configuration
        leafLifetimeSeconds = max(
            leafLifetimeSeconds, UInt32(clamping: Int(configuration.certificates.leafLifetimeSeconds.rounded(.up))))
        var plan = Plan(
            version: version, trustDomain: trust.trustDomain, trustBundle: trust.bundle,
            revokedSerials: trust.revokedSerials,
            // Both are refused and cut in the same way; a quarantine is one that ends.
            revokedIdentities: trust.revokedIdentities
                + cutOff.quarantined.subtracting(trust.revokedIdentities).sorted(),
            throttledIdentities: Array(
                cutOff.throttled.sorted().prefix(PlanBounds.throttledIdentities.allowed.upperBound)),
            maximumLeafLifetimeSeconds: leafLifetimeSeconds,
            maximumConnections: UInt32(clamping: configuration.limits.maximumConnections),
            verificationMilliseconds: milliseconds(configuration.verification.intervalSeconds),
            tunnels: table.sorted.compactMap(\.plan))
        guard plan != current else { return nil }
        version += 1
        plan.version = version
        current = plan
        return plan
    }

    /// Whether the data plane knows the tunnel.
    func holds(_ id: TunnelID) -> Bool { current?.tunnels.contains { $0.id == id } ?? false }
}
