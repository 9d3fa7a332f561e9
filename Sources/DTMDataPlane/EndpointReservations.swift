import DTMCore
import NIOConcurrencyHelpers
import NIOCore

/// Which endpoints the tunnels of this manager hold, so that no two of them meet. A decoy makes room for an endpoint of the
/// schedule, whichever tunnel's it is.
final class EndpointReservations: Sendable {
    /// How many sentinels all tunnels may have together: each keeps a port of 127.0.0.1 from other programs.
    static let mostSentinels = 16
    /// How many decoys all tunnels may have together: they take descriptors, of which connections need some.
    static let mostDecoys = 16_384

    /// Closes the decoy; succeeds when its endpoint is free, whether it was there or not.
    typealias GiveBack = @Sendable () -> EventLoopFuture<Void>

    /// What became of the wish for an endpoint of the schedule.
    enum Outcome {
        case granted
        /// A tunnel has it already.
        case refused
        /// It is a decoy of the same tunnel.
        case ownDecoy
        /// It is a decoy of another tunnel, which can be given back.
        case foreignDecoy(GiveBack)
    }

    private enum Holder {
        case endpoint
        case decoy(TunnelID, isSentinel: Bool, GiveBack)
    }

    private struct State {
        var holders: [Endpoint: Holder] = [:]
        var decoys = 0
        var sentinels = 0
    }

    private let state = NIOLockedValueBox(State())

    /// Asks for an endpoint of the schedule.
    func reserve(_ endpoint: Endpoint, for tunnel: TunnelID) -> Outcome {
        state.withLockedValue { state in
            switch state.holders[endpoint] {
            case nil:
                state.holders[endpoint] = .endpoint
                return .granted
            case .endpoint?: return .refused
            case .decoy(tunnel, _, _)?: return .ownDecoy
            case .decoy(_, _, let giveBack)?: return .foreignDecoy(giveBack)
            }
        }
    }

    /// Asks for an endpoint of a decoy; false when somebody has it, or there are too many decoys.
    func reserveDecoy(
        _ endpoint: Endpoint, for tunnel: TunnelID, isSentinel: Bool, giveBack: @escaping GiveBack
    ) -> Bool {
        state.withLockedValue { state in
            guard state.holders[endpoint] == nil, state.decoys < Self.mostDecoys,
                !isSentinel || state.sentinels < Self.mostSentinels
            else { return false }
            state.holders[endpoint] = .decoy(tunnel, isSentinel: isSentinel, giveBack)
            state.decoys += 1
            if isSentinel { state.sentinels += 1 }
            return true
        }
    }

    /// Makes an endpoint of the schedule out of a decoy.
    func promote(_ endpoint: Endpoint) {
        release(endpoint)
        state.withLockedValue { $0.holders[endpoint] = .endpoint }
    }

    func release(_ endpoint: Endpoint) {
        state.withLockedValue { state in
            guard case .decoy(_, let isSentinel, _)? = state.holders.removeValue(forKey: endpoint) else { return }
            state.decoys -= 1
            if isSentinel { state.sentinels -= 1 }
        }
    }
}
