import DTMCore
import NIOCore

/// Whoever comes to a decoy.
extension ServerSession {
    enum Touch {
        /// It came to an endpoint that served.
        case none
        /// It came to a decoy, and nobody was told yet.
        case open
        case told
    }

    /// How long a peer that says nothing, or no TLS, has before its visit is told. A client of ours has sent its first
    /// message as soon as it was connected.
    static let patience = TimeAmount.milliseconds(30)
    /// How long one has that began to shake hands: it may be a client of ours, on a machine that has too much to do.
    static let patienceWithTLS = TimeAmount.milliseconds(500)

    /// Sees to it that the touch is told while the peer is there, however slow it makes the handshake.
    func awaitTouch(_ context: ChannelHandlerContext) {
        let loop = context.eventLoop.assumeIsolated()
        loop.scheduleTask(in: Self.patience) {
            guard self.firstBytes.sent.kind == .tlsClientHello else { return self.endPatience() }
            loop.scheduleTask(in: Self.patienceWithTLS - Self.patience) { self.endPatience() }
        }
    }

    private func endPatience() {
        guard phase == .handshaking, touch == .open, cutEnding == nil else { return }
        let words = firstBytes.sent.count == 0 ? "it says nothing" : "it does not go on with the handshake"
        reportTouch("somebody came to a decoy, and \(words)")
    }

    /// Once for each visit.
    func reportTouch(_ reason: String, _ cause: Incident.Cause? = nil) {
        guard touch == .open else { return }
        touch = .told
        report(.decoyTouched, reason, cause)
    }
}
