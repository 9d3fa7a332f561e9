import DTMCore

/// What runs on this host, for whoever asks.
protocol ApplicationFinding: Sendable {
    /// Everything, looked at anew.
    func view() async throws -> ApplicationView
    /// The users behind targets on this host, in their order; nil where that can't be told.
    func ownerUIDs(of targets: [Target]) async -> [UInt32?]
}

/// What was seen in one look.
struct ApplicationView: Sendable {
    /// Every process that can be seen.
    var processes: [ApplicationObservation]
    /// False when a maximum was reached, or the kernel did not tell all about sockets.
    var isWhole: Bool
}

extension ApplicationFinding {
    /// The user behind one target.
    func ownerUID(of target: Target) async -> UInt32? { await ownerUIDs(of: [target]).first ?? nil }
}
