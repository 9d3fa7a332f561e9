import Crypto
import DTMCore
import DTMSecrets
import FoundationEssentials
import SwiftASN1
import X509

/// The key of one leaf certificate. It is made where it is used and never leaves that process: only the request goes to
/// the authority, and only the certificate comes back.
///
/// Construct it → send ``certificateRequest()`` to control → serve TLS with the chain that comes back, and let the TLS
/// library call ``signature(over:)``. Drop it with the certificate: its private half is wiped then. All calls are
/// synchronous and take well under a millisecond, so that an event loop may make them.
public final class LeafKey: Sendable {
    private let key: SigningKey

    /// A fresh P-256 key in protected memory.
    ///
    /// - Throws: ``CertificatesError`` of code `key` when there is no protected memory.
    public init() throws(CertificatesError) {
        key = try SigningKey.generate()
    }

    /// A request for a certificate (PKCS#10, RFC 2986) in DER. It names nobody and asks for nothing: who the
    /// certificate is for, control knows by itself.
    public func certificateRequest() throws(CertificatesError) -> [UInt8] {
        do {
            let request = try CertificateSigningRequest(
                version: .v1, subject: DistinguishedName(), privateKey: Certificate.PrivateKey(key),
                attributes: CertificateSigningRequest.Attributes(), signatureAlgorithm: .ecdsaWithSHA256)
            return try DER.encoding(of: request)
        } catch let error as CertificatesError {
            throw error
        } catch {
            throw CertificatesError(.encoding, "a certificate request could not be encoded", cause: error)
        }
    }

    /// Signs with ECDSA over SHA-256 (`ecdsa_secp256r1_sha256` of TLS 1.3).
    ///
    /// - Parameter message: The data, not hashed yet.
    /// - Returns: The signature in DER.
    public func signature(over message: some Sequence<UInt8>) throws(CertificatesError) -> [UInt8] {
        try key.signature(over: message)
    }

    /// The public half as `SubjectPublicKeyInfo` in DER.
    public var publicKeyDER: [UInt8] { Array(key.verifyingKey.derRepresentation) }
}

extension DER {
    static func encoding(of value: some DERSerializable) throws -> [UInt8] {
        var serializer = Serializer()
        try serializer.serialize(value)
        return serializer.serializedBytes
    }
}
