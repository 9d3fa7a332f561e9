import Crypto
import DTMCore
import DTMSecrets
import FoundationEssentials

/// A P-256 key pair whose private half rests in protected memory.
///
/// libsodium has no P-256, and BoringSSL needs the scalar on its own heap while it signs. So every signature makes a
/// `P256.Signing.PrivateKey` from the protected bytes and lets go of it before it returns: BoringSSL overwrites what it
/// frees (`OPENSSL_free`). At rest there is one copy, the protected one. While BoringSSL's key is made, for which it
/// multiplies by the scalar, there are four more, for some microseconds; while it signs there is one.
final class SigningKey: Sendable {
    /// The scalar, 32 bytes, most significant first. Whoever keeps it sealed holds the same one.
    let scalar: DTMSecrets.SharedSecret
    let verifyingKey: P256.Signing.PublicKey

    /// The length of a P-256 scalar in bytes.
    static let scalarBytes = 32
    /// Random scalars that are zero or not below the group's order come once in 2^32 draws.
    private static let attempts = 8

    private init(_ scalar: DTMSecrets.SharedSecret, verifyingKey: P256.Signing.PublicKey) {
        self.scalar = scalar
        self.verifyingKey = verifyingKey
    }

    /// A fresh key: a uniformly random scalar, drawn again when it is out of range (FIPS 186-5, A.2.2).
    static func generate() throws(CertificatesError) -> SigningKey {
        for _ in 0..<attempts {
            let candidate = try randomScalar()
            if let verifyingKey = verifyingKey(of: candidate) {
                return SigningKey(DTMSecrets.SharedSecret(candidate), verifyingKey: verifyingKey)
            }
        }
        throw CertificatesError(.key, "the system's generator gave no scalar of P-256 in \(attempts) draws")
    }

    /// A key that was kept.
    convenience init(scalar: DTMSecrets.SharedSecret) throws(CertificatesError) {
        guard scalar.bytes.count == Self.scalarBytes, let verifyingKey = Self.verifyingKey(of: scalar.bytes) else {
            throw CertificatesError(.key, "a kept private key is no scalar of P-256")
        }
        self.init(scalar, verifyingKey: verifyingKey)
    }

    /// Signs with ECDSA over SHA-256.
    ///
    /// - Parameter message: The data, not hashed yet.
    /// - Returns: `Ecdsa-Sig-Value` in DER (RFC 3279, section 2.2.3), as TLS and X.509 carry it.
    func signature(over message: some Sequence<UInt8>) throws(CertificatesError) -> [UInt8] {
        let digest = SHA256.hash(of: message)
        defer { DeadStack.wipe() }
        do {
            return try scalar.bytes.withBytes { span in
                try span.withUnsafeBytes { bytes in
                    let key = try P256.Signing.PrivateKey(rawRepresentation: bytes)
                    // The copies that making it left on the stack must not lie there while it signs.
                    DeadStack.wipe()
                    return try Array(key.signature(for: digest).derRepresentation)
                }
            }
        } catch {
            throw CertificatesError(.signing, "the key could not sign", cause: error)
        }
    }

    private static func randomScalar() throws(CertificatesError) -> SecretBytes {
        do {
            return try SecretBytes(randomCount: scalarBytes)
        } catch {
            throw CertificatesError(.key, "no protected memory for a private key", cause: error)
        }
    }

    /// Nil when the scalar is out of range.
    private static func verifyingKey(of scalar: borrowing SecretBytes) -> P256.Signing.PublicKey? {
        defer { DeadStack.wipe() }
        return scalar.withBytes { span in
            span.withUnsafeBytes { bytes in
                guard let key = try? P256.Signing.PrivateKey(rawRepresentation: bytes) else { return nil }
                // `key.publicKey` is a duplicate of BoringSSL's whole key, the private half included. What is kept must
                // be made from the public bytes alone.
                return try? P256.Signing.PublicKey(x963Representation: key.publicKey.x963Representation)
            }
        }
    }
}

extension SHA256 {
    /// The digest of bytes that may or may not lie in one piece.
    static func hash(of bytes: some Sequence<UInt8>) -> SHA256Digest {
        var hash = SHA256()
        if bytes.withContiguousStorageIfAvailable({ hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }) == nil {
            hash.update(data: Array(bytes))
        }
        return hash.finalize()
    }
}
