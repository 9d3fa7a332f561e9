import DTMCore
import DTMSecrets
import DTMState

@testable import DTMManager

/// A home with a sealed state, for one test.
struct SealedFolder {
    let folder: TemporaryFolder
    let openPGP = RNPProvider()
    static let passphrase = "correct horse battery staple"

    var place: StatePlace { StatePlace(home: folder.path) }

    /// - Parameter slots: Nil: a passphrase that costs little.
    init(slots: [NewSlot]? = nil) throws {
        folder = try TemporaryFolder()
        _ = try SealedStore.create(
            at: StatePlace(home: folder.path), content: StateContent(), slots: try slots ?? [Self.slot()],
            openPGP: RNPProvider(), now: WallClock().now())
    }

    static func slot() throws -> NewSlot {
        .passphrase(
            try UnlockSecret(secret(passphrase)),
            hash: PassphraseHash(passes: 1, memoryBytes: 8 << 20, salt: [UInt8](repeating: 7, count: 16)),
            label: "test")
    }

    static func secret(_ text: String) throws -> SharedSecret {
        let bytes = Array(text.utf8)
        return SharedSecret(try SecretBytes(count: bytes.count) { $0.copyBytes(from: bytes) })
    }

    /// As a start of the manager opens it.
    func open(with secret: SharedSecret? = nil) throws -> OpenedState {
        let (store, content) = try SealedStore.open(
            at: place, unlockedBy: try UnlockSecret(try secret ?? Self.secret(Self.passphrase)), openPGP: openPGP)
        return OpenedState(store: store, state: try ManagerState(content), openPGP: openPGP, unlockedBy: "a test")
    }
}
