import DTMCore

/// How long or how large one field may be, in either direction: checked before a frame is sent and before one is
/// believed.
public struct PlanBound: Sendable {
    public let field: StaticString
    public let allowed: ClosedRange<Int>
    public let unit: StaticString

    init(_ field: StaticString, _ allowed: ClosedRange<Int>, _ unit: StaticString) {
        self.field = field
        self.allowed = allowed
        self.unit = unit
    }

    /// The nearest value that is allowed.
    public func clamped(_ value: Int) -> Int { min(max(value, allowed.lowerBound), allowed.upperBound) }

    var range: String { "\(allowed.lowerBound) to \(allowed.upperBound)" }
}

/// Every bound of the protocol.
public enum PlanBounds {
    // The plan.
    public static let trustDomain = PlanBound("plan.trustDomain", 1...255, "bytes")
    public static let trustBundle = PlanBound("plan.trustBundle", 0...8, "certificates")
    public static let authority = PlanBound("plan.trustBundle.certificate", 1...16_384, "bytes")
    public static let revokedSerials = PlanBound("plan.revokedSerials", 0...65_535, "serials")
    /// RFC 5280, section 4.1.2.2.
    public static let serial = PlanBound("plan.revokedSerials.serial", 1...20, "bytes")
    public static let revokedIdentities = PlanBound("plan.revokedIdentities", 0...16_384, "identities")
    public static let throttledIdentities = PlanBound("plan.throttledIdentities", 0...1_024, "identities")
    public static let throttledIdentity = PlanBound("plan.throttledIdentities.identity", 1...2_048, "bytes")
    public static let revokedIdentity = PlanBound("plan.revokedIdentities.identity", 1...2_048, "bytes")
    public static let leafLifetime = PlanBound("plan.maximumLeafLifetimeSeconds", 1...Int(Int32.max), "seconds")
    public static let verification = PlanBound(
        "plan.verificationMilliseconds", 1_000...3_600_000, "milliseconds")
    public static let tunnels = PlanBound("plan.tunnels", 0...4_096, "tunnels")

    // One tunnel of it.
    public static let interval = PlanBound(
        "plan.tunnels.schedule.intervalMilliseconds", 200...Int(UInt32.max), "milliseconds")
    public static let skippedPorts = PlanBound("plan.tunnels.schedule.skippedPorts", 0...8_192, "ports")
    public static let decoys = PlanBound("plan.tunnels.decoys", 0...1_000, "decoys")
    public static let targetEndpoints = PlanBound("plan.tunnels.target.endpoints", 1...16, "endpoints")
    public static let targetPort = PlanBound("plan.tunnels.target.endpoints.port", 1...65_535, "as its number")
    /// What fits `sockaddr_un` with its terminating zero (`unix(7)`).
    public static let targetPath = PlanBound("plan.tunnels.target.path", 1...107, "bytes")

    // Certificates.
    public static let chain = PlanBound("credential.chain", 1...4, "certificates")
    public static let chainCertificate = PlanBound("credential.chain.certificate", 1...16_384, "bytes")
    public static let certificateRequest = PlanBound("certificateRequest.der", 1...8_192, "bytes")

    // What the data plane reports.
    public static let listeners = PlanBound("listeners", 0...2_048, "listeners")
    /// SPIFFE-ID, section 2.3.
    public static let flowIdentity = PlanBound("flow.identity", 0...2_048, "bytes")
    public static let incidentIdentity = PlanBound("incident.identity", 0...2_048, "bytes")
    /// Longer ones are cut when they are sent.
    public static let incidentReason = PlanBound("incident.reason", 0...1_024, "bytes")
    public static let incidentSent = PlanBound("incident.sent", 0...SentBytes.most, "bytes")
    public static let failureStep = PlanBound("rotationFailed.step", 1...32, "bytes")
    /// Longer ones are cut when they are sent.
    public static let failureReason = PlanBound("rotationFailed.reason", 0...1_024, "bytes")
    public static let lapses = PlanBound("verified", 0...64, "lapses")
    /// Longer ones are cut when they are sent.
    public static let lapse = PlanBound("verified.lapse", 0...512, "bytes")
}
