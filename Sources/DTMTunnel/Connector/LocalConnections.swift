import NIOConcurrencyHelpers
import NIOCore

/// The connections of local programs that are open, so that all can be broken off when the connector ends: an ordinary
/// close would look like the end of a whole answer.
final class LocalConnections: Sendable {
    private let open = NIOLockedValueBox<[ObjectIdentifier: any Channel]>([:])

    func insert(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        open.withLockedValue { $0[id] = channel }
        channel.closeFuture.whenComplete { _ in self.open.withLockedValue { _ = $0.removeValue(forKey: id) } }
    }

    var count: Int { open.withLockedValue { $0.count } }

    /// - Returns: a future on `loop` that succeeds when they are closed.
    func abortAll(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let channels = open.withLockedValue { Array($0.values) }
        for channel in channels {
            channel.pipeline.triggerUserOutboundEvent(TransportHandler.Request.abort, promise: nil)
        }
        return .andAllComplete(channels.map(\.closeFuture), on: loop)
    }
}
