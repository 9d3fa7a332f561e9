import DTMCore
import DTMDiscovery

/// What runs on this host, for whoever asks.
protocol ApplicationFinding: Sendable {
    /// Everything, looked at anew: what was started a moment ago is in it.
    func view() async throws -> ApplicationView
    /// The same for whoever only shows it: many who ask within ``SharedLook/span`` get one look, for which they wait.
    func sharedView() async throws -> ApplicationView
    /// The same for whoever shows it all the time: what may have changed, what each process uses, what each connection carried.
    func liveView() async throws -> LiveLook
    /// The users behind targets on this host, in their order; nil where that can't be told.
    func ownerUIDs(of targets: [Target]) async -> [UInt32?]
}

/// A look for those who look again and again.
struct LiveLook: Sendable {
    var view: ApplicationView
    /// How long it kept a core busy.
    var cost: Duration
}

/// What was seen in one look.
struct ApplicationView: Sendable {
    /// Every process that can be seen, with its command line.
    var processes: [ApplicationObservation] = []
    /// Listeners that no process which can be read holds.
    var unattributed: [ObservedListener] = []
    /// What the kernel did not tell about sockets.
    var losses: Set<SocketLoss> = []
    /// Whether something was left out because of a maximum.
    var isTruncated = false

    /// False when a maximum was reached, or the kernel did not tell all about sockets.
    var isWhole: Bool { !isTruncated && losses.isEmpty }
}

extension ApplicationView {
    init(_ picture: InventoryPicture) {
        self.init(
            processes: picture.processes, unattributed: picture.unattributed, losses: picture.losses,
            isTruncated: picture.isTruncated)
    }
}

extension ApplicationFinding {
    /// The user behind one target.
    func ownerUID(of target: Target) async -> UInt32? { await ownerUIDs(of: [target]).first ?? nil }
}
