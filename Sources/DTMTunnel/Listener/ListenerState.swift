import DTMCore
import Synchronization

/// What a listener's connections need to know of it, on whatever event loop they are.
final class ListenerState: Sendable {
    let endpoint: Endpoint
    private let currentRole = Atomic<UInt8>(ListenerRole.decoy.rawValue)

    init(endpoint: Endpoint) { self.endpoint = endpoint }

    var role: ListenerRole {
        get { ListenerRole(rawValue: currentRole.load(ordering: .acquiring)) ?? .decoy }
        set { currentRole.store(newValue.rawValue, ordering: .releasing) }
    }
}
