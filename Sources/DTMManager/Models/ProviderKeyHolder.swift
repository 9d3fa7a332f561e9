import DTMCore
import DTMModels
import DTMSecrets
import Synchronization

/// `openai_api_key` of the configuration in force, in protected memory for as long as the manager lives.
final class ProviderKeyHolder: Sendable {
    private let held = Mutex<SharedSecret?>(nil)

    /// Takes over the key of the configuration that is in force from now on; nil: it has none.
    func take(_ key: SharedSecret?) { held.withLock { $0 = key } }

    var key: SharedSecret? { held.withLock(\.self) }
}

/// A key as it is lent while a configuration is read: dropped again unless that configuration comes into force.
final class LentKey {
    private(set) var key: SharedSecret?

    /// - Throws: `SecretsError` when protected memory can't be had.
    func take(_ bytes: UnsafeRawBufferPointer) throws {
        key = SharedSecret(try SecretBytes(count: bytes.count) { $0.copyMemory(from: bytes) })
    }
}

/// The keys of this manager's models.
struct ManagerModelKeys: ModelKeySupply {
    let files: ModelKeyFiles
    let holder: ProviderKeyHolder

    func key(for endpoint: ModelEndpoint) async throws -> SharedSecret? {
        endpoint.key == .kept ? holder.key : try files.key(for: endpoint)
    }
}
