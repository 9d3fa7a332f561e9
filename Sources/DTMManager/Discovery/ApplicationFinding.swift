import DTMCore

/// What runs on this host, for whoever asks.
protocol ApplicationFinding: Sendable {
    /// Every process that can be seen.
    func snapshot() async throws -> [ApplicationObservation]
    /// The same, with whether something is missing in it for reasons other than rights.
    func view() async throws -> ApplicationView
    /// The user behind a target on this host; nil when that can't be told.
    func ownerUID(of target: Target) async -> UInt32?
}

/// What was seen in one look.
struct ApplicationView: Sendable {
    var processes: [ApplicationObservation]
    /// False when a maximum was reached, or the kernel did not tell all about sockets.
    var isWhole: Bool
}

extension ApplicationFinding {
    func view() async throws -> ApplicationView { ApplicationView(processes: try await snapshot(), isWhole: true) }
}
