public import DTMSecrets

/// A public key and the secret key that belongs to it.
public struct OpenPGPKeyPair: Sendable {
    /// What others get.
    public let publicKey: OpenPGPPublicKey
    /// The transferable secret key, binary, without a password of its own: what holds it protects it.
    public let secretKey: SharedSecret

    init(publicKey: OpenPGPPublicKey, secretKey: SharedSecret) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// Reads a secret key that was kept, and derives the public one.
    ///
    /// - Throws: ``OpenPGPError``: `keyUnusable` when there is not exactly one secret key, when it is protected by a password, or
    ///   is revoked or expired; `malformed` and `truncated` for what is no key.
    public init(secretKey: SharedSecret) throws { try self.init(secretKey: secretKey, clock: .system) }

    init(secretKey: SharedSecret, clock: OpenPGPClock) throws {
        let publicKey = try ProtectedThread.run {
            let outline = try secretKey.outline()
            guard outline.isSecret else {
                throw OpenPGPError.keyUnusable("it holds no secret key", hint: "give the secret key that DTM made")
            }
            let packets = try RNPSession.run(time: clock.time(notBefore: outline)) { session in
                try session.load(secretKey: secretKey)
                return try session.withOnlyKey { key in
                    try RNPKeyFacts.requireUnprotected(key)
                    return try session.exportPublic(key)
                }
            }
            return try OpenPGPPublicKey(packets: packets, requireEncryption: false, clock: clock)
        }
        self.init(publicKey: publicKey, secretKey: secretKey)
    }
}

extension SharedSecret {
    func outline() throws -> OpenPGPKeyOutline {
        try bytes.withBytes { span in try span.withUnsafeBytes { try OpenPGPKeyOutline(of: $0) } }
    }
}
