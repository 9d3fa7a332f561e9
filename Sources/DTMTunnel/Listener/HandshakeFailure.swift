import NIOCore
import NIOSSL

/// Says in words why a handshake or a connection failed, without a byte of what the peer sent.
enum HandshakeFailure {
    static func describe(_ error: any Error, verdict: Result<AuthenticatedPeer, PeerRefusal>?) -> String {
        if case .failure(let refusal)? = verdict { return refusal.message }
        switch error {
        case let error as NIOSSLError:
            switch error {
            case .handshakeFailed(.sslError(let stack)): return reason(of: stack)
            case .uncleanShutdown: return "the peer went away in the middle of the handshake"
            default: return "the TLS handshake failed"
            }
        case let error as BoringSSLError:
            if case .sslError(let stack) = error { return reason(of: stack) }
            return "the TLS handshake failed"
        case is IOError: return "the peer went away in the middle of the handshake"
        default: return describeTransport(error)
        }
    }

    static func describeTransport(_ error: any Error) -> String {
        switch error {
        case let error as IOError: errorText(error.errnoCode)
        case ChannelError.connectTimeout: "no answer in time"
        case let error as TunnelError: error.message
        default: "the connection broke"
        }
    }

    /// BoringSSL's name of the reason, as `NO_SHARED_CIPHER`: its own text, never the peer's.
    private static func reason(of stack: NIOBoringSSLErrorStack) -> String {
        let text = String(describing: stack)
        for (name, words) in knownReasons where text.contains(name) { return words }
        return "the TLS handshake failed"
    }

    private static let knownReasons = [
        ("HTTP_REQUEST", "the peer spoke plain HTTP"),
        ("WRONG_VERSION_NUMBER", "the peer did not speak TLS"),
        ("UNSUPPORTED_PROTOCOL", "the peer did not offer TLS 1.3"),
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "the peer showed no certificate"),
        ("CERTIFICATE_VERIFY_FAILED", "the peer's certificate was not accepted"),
        ("NO_SHARED_GROUP", "the peer offered no key exchange that is allowed"),
        ("NO_SHARED_CIPHER", "the peer offered no cipher that is allowed"),
        ("NO_COMMON_SIGNATURE_ALGORITHMS", "the peer offered no signature algorithm that is allowed"),
        ("eofDuringHandshake", "the peer went away in the middle of the handshake"),
        ("EOF during handshake", "the peer went away in the middle of the handshake"),
        ("TLSV1_ALERT_UNKNOWN_CA", "the peer does not trust the listener's certificate"),
        ("SSLV3_ALERT", "the peer broke the handshake off"),
        ("TLSV1_ALERT", "the peer broke the handshake off"),
    ]

    private static func errorText(_ code: CInt) -> String {
        String(describing: IOError(errnoCode: code, reason: "system call"))
    }
}
