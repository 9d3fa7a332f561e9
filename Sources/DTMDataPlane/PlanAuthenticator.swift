import DTMCertificates
import DTMCore
import DTMPlan
import DTMTunnel
import NIOConcurrencyHelpers

/// Judges peers by the trust of the plan in force, at steady time. One for the whole process.
final class PlanAuthenticator: PeerAuthenticator {
    private let verifier = NIOLockedValueBox<PeerVerifier?>(nil)
    private let throttle = NIOLockedValueBox(ConnectionThrottle())
    private let time: any TimeSource

    init(time: any TimeSource) { self.time = time }

    func trust(_ verifier: PeerVerifier) { self.verifier.withLockedValue { $0 = verifier } }

    /// From now on each of them comes in once in ``Plan/throttledMilliseconds``, and everybody else as he likes.
    func throttle(_ identities: [String]) { throttle.withLockedValue { $0.take(identities) } }

    func authenticate(chain: [[UInt8]], expecting: PeerExpectation) -> Result<AuthenticatedPeer, PeerRefusal> {
        switch judge(chain: chain, expecting: expecting) {
        case .failure(let rejection): return .failure(PeerRefusal(rejection))
        case .success(let peer):
            if case .client = expecting, !admits(peer.identity) {
                return .failure(PeerRefusal(.throttled))
            }
            return .success(AuthenticatedPeer(identity: peer.identity, serial: peer.serial))
        }
    }

    private func admits(_ identity: SPIFFEID) -> Bool {
        throttle.withLockedValue { $0.admits(identity.description, at: time.now()) }
    }

    /// As ``authenticate(chain:expecting:)``, with all that the certificate says, and of no effect on who is throttled.
    func judge(chain: [[UInt8]], expecting: PeerExpectation) -> Result<VerifiedPeer, PeerRejection> {
        guard let verifier = verifier.withLockedValue({ $0 }) else { return .failure(.noTrust) }
        return verifier.verify(chain: chain, expecting: ExpectedPeer(expecting), now: time.now())
            .mapError { .verification($0) }
    }
}

/// Lets each of some identities in once in ``Plan/throttledMilliseconds``. A value.
struct ConnectionThrottle {
    /// When each was let in last; nil before the first time.
    private var last: [String: Timestamp?] = [:]

    /// Takes over who is throttled; who was already stays where he was.
    mutating func take(_ identities: [String]) {
        last = identities.reduce(into: [:]) { $0[$1] = .some(last[$1] ?? nil) }
    }

    /// Whether one more connection may come in now. Who is not throttled always may.
    mutating func admits(_ identity: String, at now: Timestamp) -> Bool {
        guard let before = last[identity] else { return true }
        if let before, now - before < .milliseconds(Plan.throttledMilliseconds) { return false }
        last[identity] = .some(now)
        return true
    }
}

/// Why there is no verified peer.
enum PeerRejection: Error {
    case noTrust
    case throttled
    case verification(VerificationError)
}

extension PeerRefusal {
    init(_ rejection: PeerRejection) {
        switch rejection {
        case .noTrust: self.init(code: "noTrust", message: "there is no trust bundle yet", cause: .other)
        case .throttled:
            self.init(
                code: "throttled", message: "the identity is throttled: one connection a second",
                concernsIdentity: true, cause: .other)
        case .verification(let error):
            let codes: [VerificationError.Code] = [
                .revoked, .identityRevoked, .wrongRole, .wrongTunnel, .wrongListener,
            ]
            self.init(
                code: error.code.rawValue, message: error.message, concernsIdentity: codes.contains(error.code),
                cause: error.code.cause)
        }
    }
}

extension VerificationError.Code {
    /// The same as incidents tell it.
    fileprivate var cause: Incident.Cause {
        switch self {
        case .noCertificate: .noCertificate
        case .foreignAuthority, .signature, .trustDomain: .foreign
        case .authorityNotValid: .retired
        case .notYetValid: .notYetValid
        case .expired: .expired
        case .revoked, .identityRevoked: .revoked
        case .wrongRole, .wrongTunnel, .wrongListener: .otherTunnel
        case .tooLong, .malformed, .version, .serialNumber, .publicKey, .criticalExtension, .certificateAuthority,
            .keyUsage, .extendedKeyUsage, .alternativeName, .identity, .lifetime:
            .malformed
        }
    }
}

extension ExpectedPeer {
    init(_ expectation: PeerExpectation) {
        switch expectation {
        case .client(let tunnel): self = .client(of: tunnel)
        case .listener(let identity): self = .listener(identity)
        }
    }
}

/// A leaf key as the TLS library uses it.
struct LeafSigner: HandshakeSigner {
    let key: LeafKey

    func signature(over message: [UInt8]) throws -> [UInt8] { try key.signature(over: message) }
}
