import DTMCore

/// What runs on this host, for whoever asks.
protocol ApplicationFinding: Sendable {
    /// Every process that can be seen.
    func snapshot() async throws -> [ApplicationObservation]
    /// The user behind a target on this host; nil when that can't be told.
    func ownerUID(of target: Target) async -> UInt32?
}
