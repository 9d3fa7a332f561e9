import DTMCore
import DTMTunnel
import NIOConcurrencyHelpers

/// What the follower learnt, where the event loops find it; and what the event loops met, where the follower finds it.
final class KnowledgeBox: KnowledgeSource {
    /// What the event loops met.
    enum Finding: Sendable {
        case identityNotAccepted
        case squatter(Endpoint, reason: String)
    }

    private let listener = NIOLockedValueBox<AsyncStream<Finding>.Continuation?>(nil)
    private let current = NIOLockedValueBox<ConnectorKnowledge?>(nil)

    /// What is met from now on. A stream that was listened to before ends: a cancelled one can't be listened to again.
    func findings() -> AsyncStream<Finding> {
        let (stream, continuation) = AsyncStream.makeStream(of: Finding.self, bufferingPolicy: .bufferingOldest(16))
        let previous = listener.withLockedValue { listener in
            defer { listener = continuation }
            return listener
        }
        previous?.finish()
        return stream
    }

    var knowledge: ConnectorKnowledge? { current.withLockedValue { $0 } }

    func update(_ knowledge: ConnectorKnowledge?) { current.withLockedValue { $0 = knowledge } }

    func identityWasNotAccepted() { tell(.identityNotAccepted) }

    func squatterFound(at endpoint: Endpoint, reason: String) { tell(.squatter(endpoint, reason: reason)) }

    private func tell(_ finding: Finding) {
        let listener = listener.withLockedValue { $0 }
        _ = listener?.yield(finding)
    }
}

/// Steady time as the manager has it; another manager brings another anchor.
final class FollowedClock: TimeSource {
    private let clock = NIOLockedValueBox(AnchoredClock())

    func now() -> Timestamp { clock.withLockedValue { $0 }.now() }

    func follow(_ anchor: ClockAnchor) {
        clock.withLockedValue { clock in
            if clock.anchor != anchor { clock = AnchoredClock(anchor: anchor) }
        }
    }
}
