public import DTMCore

/// Why a key, a request, a certificate or a set of authorities could not be made or read.
///
/// Why a peer was refused is a ``VerificationError``.
public struct CertificatesError: DescribedError, Equatable {
    /// What kind of failure it is; equality compares these alone.
    public enum Code: String, Sendable, CaseIterable {
        /// No key pair could be made.
        case key
        /// A signature could not be made.
        case signing
        /// A certificate or a request could not be encoded.
        case encoding
        /// A request longer than ``Authority/maximumRequestBytes``.
        case requestTooLong
        /// Not a PKCS#10 request in DER.
        case requestMalformed
        /// A request for a key that is not on P-256.
        case requestKey
        /// A request that its own key did not sign.
        case requestSignature
        /// An identity that is neither a listener's nor a client's, or of another trust domain.
        case identity
        /// Not a trust domain by the rules of SPIFFE.
        case trustDomain
        /// A lifetime that is not positive, or reaches beyond that of the authority.
        case lifetime
        /// Lifetimes and margins that contradict each other.
        case policy
        /// A trust bundle that is empty, too long, or holds something that is not an authority of the trust domain.
        case trustBundle
        /// More revocations than a list holds.
        case revocationsFull
    }

    /// Which kind.
    public let code: Code
    /// What failed, where, and what is allowed.
    public let message: String
    /// What to do next.
    public let hint: String?
    /// What led to it.
    public let cause: (any Error)?

    init(_ code: Code, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    /// `certificates.` and the code.
    public var codeName: String { "certificates.\(code.rawValue)" }

    /// Equal when the codes are.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
