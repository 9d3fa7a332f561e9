import DTMCore
import Synchronization

/// What a listener's connections need to know of it, on whatever event loop they are.
final class ListenerState: Sendable {
    let endpoint: Endpoint
    private let currentRole = Atomic<UInt8>(ListenerRole.decoy.rawValue)
    private let unready = Atomic<Int>(0)

    init(endpoint: Endpoint) { self.endpoint = endpoint }

    var role: ListenerRole {
        get { ListenerRole(rawValue: currentRole.load(ordering: .acquiring)) ?? .decoy }
        set { currentRole.store(newValue.rawValue, ordering: .releasing) }
    }

    /// Accepted connections whose pipeline is not in place yet: closing the listener now would close them.
    var unreadyChildren: Int { unready.load(ordering: .acquiring) }

    func childWasAccepted() { unready.wrappingAdd(1, ordering: .acquiringAndReleasing) }
    func childIsReady() { unready.wrappingSubtract(1, ordering: .acquiringAndReleasing) }
}
