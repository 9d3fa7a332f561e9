public import DTMSecrets

/// Seals and opens OpenPGP messages (RFC 4880). Every call blocks until it is done; none keeps anything.
///
/// All throw ``OpenPGPError``, and ``SecretsError`` when there is no protected memory for a secret. Contents are what is already
/// encrypted for its own sake, or public: they are ordinary arrays. Secrets go in and come out as ``SharedSecret``.
public protocol OpenPGPProvider: Sendable {
    /// A new key that does not expire: EdDSA to sign and certify, ECDH on Curve25519 to encrypt.
    ///
    /// - Parameter userID: what it is called, at most ``OpenPGPBounds/userID`` bytes of printable text.
    func generateKeyPair(userID: String) throws -> OpenPGPKeyPair

    /// One message with a signature inside, which each of the recipients can open.
    func seal(_ content: [UInt8], signedBy signer: OpenPGPKeyPair, to recipients: [OpenPGPPublicKey]) throws -> [UInt8]

    /// The content of a message that holds exactly one signature, which is valid and made by `signer`.
    func open(_ message: [UInt8], with key: OpenPGPKeyPair, signer: OpenPGPPublicKey) throws -> [UInt8]

    /// An unsigned message, for recipients that unwrap it with their own program or card.
    func seal(secret: SharedSecret, to recipients: [OpenPGPPublicKey]) throws -> [UInt8]

    /// What ``seal(secret:to:)`` wrote. Says nothing about who wrote it.
    func open(secretOf message: [UInt8], with key: OpenPGPKeyPair) throws -> SharedSecret

    /// An unsigned message that a password opens; deriving its key takes a noticeable part of a second on purpose.
    func seal(_ content: [UInt8], password: SharedSecret) throws -> [UInt8]

    /// What ``seal(_:password:)`` wrote. Who knows the password can have written it.
    func open(_ message: [UInt8], password: SharedSecret) throws -> [UInt8]
}
