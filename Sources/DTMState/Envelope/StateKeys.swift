import DTMSecrets

/// The root key of one sealed state, and the keys that come from it.
///
/// crypto_kdf (BLAKE2b) with the context `dtmstate`: 1 the content, 2 the commits, 3 the recipient's secret key,
/// 4 the witness, 5 the key slots, 6 what the analyst learnt.
struct StateKeys: Sendable {
    static let context = "dtmstate"
    let root: SharedSecret
    let content: SharedSecret
    let commits: SharedSecret
    let recipient: SharedSecret
    let witness: SharedSecret
    let slots: SharedSecret
    let baselines: SharedSecret

    /// - Throws: `memory`; `locked` when what is given can't be a root key.
    init(root: SharedSecret) throws(StateError) {
        guard root.bytes.count == SecretCipher.keyBytes else {
            throw StateError(
                .locked, "a root key has \(SecretCipher.keyBytes) bytes, and \(root.bytes.count) were given")
        }
        self.root = root
        do {
            content = SharedSecret(try SecretCipher.derive(1, from: root.bytes, context: Self.context))
            commits = SharedSecret(try SecretCipher.derive(2, from: root.bytes, context: Self.context))
            recipient = SharedSecret(try SecretCipher.derive(3, from: root.bytes, context: Self.context))
            witness = SharedSecret(try SecretCipher.derive(4, from: root.bytes, context: Self.context))
            slots = SharedSecret(try SecretCipher.derive(5, from: root.bytes, context: Self.context))
            baselines = SharedSecret(try SecretCipher.derive(6, from: root.bytes, context: Self.context))
        } catch {
            throw StateError(.memory, "no protected memory for the keys of the state", cause: error)
        }
    }

    static func random() throws(StateError) -> Self {
        do {
            return try Self(root: SharedSecret(try SecretBytes(randomCount: SecretCipher.keyBytes)))
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError(.memory, "no protected memory for the root key", cause: error)
        }
    }
}
