import DTMCore
import NIOConcurrencyHelpers

/// Which endpoints the tunnels of this manager hold, so that no two of them meet.
final class EndpointReservations: Sendable {
    private let holders = NIOLockedValueBox<[Endpoint: TunnelID]>([:])

    /// False when a tunnel holds it already.
    func reserve(_ endpoint: Endpoint, for tunnel: TunnelID) -> Bool {
        holders.withLockedValue { holders in
            guard holders[endpoint] == nil else { return false }
            holders[endpoint] = tunnel
            return true
        }
    }

    func release(_ endpoint: Endpoint) { holders.withLockedValue { _ = $0.removeValue(forKey: endpoint) } }
}
