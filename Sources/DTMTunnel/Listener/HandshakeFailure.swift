import DTMCore
import NIOCore
import NIOSSL

/// Says why a handshake or a connection failed, in words and as a cause, without a byte of what the peer sent.
struct HandshakeFailure {
    let reason: String
    let cause: Incident.Cause

    init(_ reason: String, _ cause: Incident.Cause) {
        self.reason = reason
        self.cause = cause
    }

    /// What the peer's certificate was refused for, or else what the TLS library says.
    init(_ error: any Error, verdict: Result<AuthenticatedPeer, PeerRefusal>?) {
        if case .failure(let refusal)? = verdict {
            self.init(refusal.message, refusal.cause)
            return
        }
        switch error {
        case NIOSSLError.handshakeFailed(.sslError(let stack)): self = Self.known(stack)
        case NIOSSLError.uncleanShutdown: self = .gone
        case BoringSSLError.sslError(let stack): self = Self.known(stack)
        case is NIOSSLError, is BoringSSLError: self.init("the TLS handshake failed", .other)
        case is IOError: self = .gone
        default: self.init(Self.describeTransport(error), .other)
        }
    }

    /// The peer left before it had shown anything.
    static let gone = Self("the peer went away in the middle of the handshake", .gone)

    static func describeTransport(_ error: any Error) -> String {
        switch error {
        case let error as IOError: errorText(error.errnoCode)
        case ChannelError.connectTimeout: "no answer in time"
        case let error as TunnelError: error.message
        default: "the connection broke"
        }
    }

    /// BoringSSL's name of the reason, as `NO_SHARED_CIPHER`: its own text, never the peer's.
    private static func known(_ stack: NIOBoringSSLErrorStack) -> Self {
        let text = String(describing: stack)
        for (name, words, cause) in knownReasons where text.contains(name) { return Self(words, cause) }
        return Self("the TLS handshake failed", .other)
    }

    private static let knownReasons: [(String, String, Incident.Cause)] = [
        ("HTTP_REQUEST", "the peer spoke plain HTTP", .notTLS),
        ("WRONG_VERSION_NUMBER", "the peer did not speak TLS", .notTLS),
        ("UNSUPPORTED_PROTOCOL", "the peer did not offer TLS 1.3", .incompatible),
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "the peer showed no certificate", .noCertificate),
        ("CERTIFICATE_VERIFY_FAILED", "the peer's certificate was not accepted", .malformed),
        ("NO_SHARED_GROUP", "the peer offered no key exchange that is allowed", .incompatible),
        ("NO_SHARED_CIPHER", "the peer offered no cipher that is allowed", .incompatible),
        ("NO_COMMON_SIGNATURE_ALGORITHMS", "the peer offered no signature algorithm that is allowed", .incompatible),
        ("eofDuringHandshake", gone.reason, .gone),
        ("EOF during handshake", gone.reason, .gone),
        ("TLSV1_ALERT_UNKNOWN_CA", "the peer does not trust the listener's certificate", .other),
        ("SSLV3_ALERT", "the peer broke the handshake off", .other),
        ("TLSV1_ALERT", "the peer broke the handshake off", .other),
    ]

    private static func errorText(_ code: CInt) -> String {
        String(describing: IOError(errnoCode: code, reason: "system call"))
    }
}
