import FoundationEssentials
import SwiftASN1
import X509

/// Lets swift-certificates sign with the key without ever holding it.
extension SigningKey: CustomPrivateKey {
    var publicKey: Certificate.PublicKey { Certificate.PublicKey(verifyingKey) }

    var defaultSignatureAlgorithm: Certificate.SignatureAlgorithm { .ecdsaWithSHA256 }
    var supportedSignatureAlgorithms: [Certificate.SignatureAlgorithm] { [.ecdsaWithSHA256] }

    func signSynchronously(
        bytes: some DataProtocol, signatureAlgorithm: Certificate.SignatureAlgorithm
    ) throws -> Certificate.Signature {
        guard signatureAlgorithm == .ecdsaWithSHA256 else {
            throw CertificatesError(.signing, "a P-256 key signs with ECDSA over SHA-256 only")
        }
        let der = try signature(over: bytes)
        return try Certificate.Signature(
            signatureAlgorithm: signatureAlgorithm, signatureBytes: ASN1BitString(bytes: der[...]))
    }

    static func == (left: SigningKey, right: SigningKey) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// `CustomPrivateKey` demands it; this key is never written anywhere.
extension SigningKey: PEMSerializable {
    static var defaultPEMDiscriminator: String { "PRIVATE KEY" }

    func serialize(into coder: inout DER.Serializer) throws {
        throw CertificatesError(.encoding, "a private key is never written")
    }
}
