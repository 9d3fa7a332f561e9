public import DTMCore

/// Why a peer's certificate was refused. Holds nothing that the peer said.
public struct VerificationError: DescribedError, Equatable {
    /// What was wrong; equality compares these alone. In the order in which it is looked for.
    public enum Code: String, Sendable, CaseIterable {
        case noCertificate, tooLong, malformed
        case foreignAuthority, signature, authorityNotValid
        case version, serialNumber, publicKey, criticalExtension
        case certificateAuthority, keyUsage, extendedKeyUsage, alternativeName, identity, trustDomain, lifetime
        case notYetValid, expired
        case revoked, identityRevoked
        case wrongRole, wrongTunnel, wrongListener
    }

    /// What was wrong.
    public let code: Code

    init(_ code: Code) { self.code = code }

    /// `verification.` and the code.
    public var codeName: String { "verification.\(code.rawValue)" }

    /// Equal when the codes are.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    /// Whether the authority did sign the certificate: the peer is one of ours and is refused all the same, which is
    /// worth more attention than a stranger.
    public var isOfOurAuthority: Bool {
        switch code {
        case .noCertificate, .tooLong, .malformed, .foreignAuthority, .signature: false
        default: true
        }
    }

    /// One sentence, without a word of the peer.
    public var message: String {
        switch code {
        case .noCertificate: "the peer showed no certificate"
        case .tooLong:
            "the peer's chain has over \(PeerVerifier.maximumChainCount) certificates or "
                + "\(PeerVerifier.maximumChainBytes) bytes"
        case .malformed: "the peer's certificate is not X.509 in DER"
        case .foreignAuthority: "the peer's certificate is of an authority that is not in the trust bundle"
        case .signature:
            "the peer's certificate names an authority of the trust bundle that did not sign it with ECDSA over SHA-256"
        case .authorityNotValid: "the authority of the peer's certificate is not valid at present"
        case .version: "the peer's certificate is not of version 3"
        case .serialNumber: "the peer's certificate has no positive serial number of at most 20 bytes"
        case .publicKey: "the peer's key is not on P-256"
        case .criticalExtension: "the peer's certificate has a critical extension that is not known here"
        case .certificateAuthority: "the peer's certificate is that of an authority"
        case .keyUsage: "the peer's certificate is not for digital signatures, or not for them alone"
        case .extendedKeyUsage: "the peer's certificate is not for the role that its identity says, or not for it alone"
        case .alternativeName: "the peer's certificate has not exactly one name, a URI, marked critical"
        case .identity: "the peer's certificate names no identity of a listener or of a client"
        case .trustDomain: "the peer's identity is of another trust domain"
        case .lifetime: "the peer's certificate is valid for longer than is allowed"
        case .notYetValid: "the peer's certificate is not valid yet"
        case .expired: "the peer's certificate has expired"
        case .revoked: "the peer's certificate is revoked"
        case .identityRevoked: "the peer's identity is revoked"
        case .wrongRole: "the peer is a listener where a client was expected, or the reverse"
        case .wrongTunnel: "the peer is a client of another tunnel"
        case .wrongListener: "the peer is the listener of another tunnel"
        }
    }

    /// What to do next, when the peer is one of ours.
    public var hint: String? {
        switch code {
        case .expired: "ask for a new certificate: the connector does so by itself while the manager answers"
        case .revoked, .identityRevoked: "the operator revoked it: see dtm certs list"
        default: nil
        }
    }
}
