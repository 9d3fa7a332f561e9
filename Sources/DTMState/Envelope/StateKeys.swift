import DTMSecrets

/// The root key of one sealed state, and the keys that come from it.
///
/// crypto_kdf (BLAKE2b) with the context `dtmstate`: 1 the content, 2 the commits, 3 the recipient's secret key,
/// 4 the witness.
struct StateKeys: Sendable {
    static let context = "dtmstate"
    let root: SharedSecret
    let content: SharedSecret
    let commits: SharedSecret
    let recipient: SharedSecret
    let witness: SharedSecret

    /// - Throws: `memory`.
    init(root: SharedSecret) throws(StateError) {
        self.root = root
        do {
            content = SharedSecret(try SecretCipher.derive(1, from: root.bytes, context: Self.context))
            commits = SharedSecret(try SecretCipher.derive(2, from: root.bytes, context: Self.context))
            recipient = SharedSecret(try SecretCipher.derive(3, from: root.bytes, context: Self.context))
            witness = SharedSecret(try SecretCipher.derive(4, from: root.bytes, context: Self.context))
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
