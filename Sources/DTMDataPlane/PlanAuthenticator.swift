import DTMCertificates
import DTMCore
import DTMPlan
import DTMTunnel
import NIOConcurrencyHelpers

/// Judges peers by the trust of the plan in force, at steady time. One for the whole process.
final class PlanAuthenticator: PeerAuthenticator {
    private let verifier = NIOLockedValueBox<PeerVerifier?>(nil)
    /// When each throttled identity was let in last; nil before the first time.
    private let throttled = NIOLockedValueBox<[String: Timestamp?]>([:])
    private let time: any TimeSource

    init(time: any TimeSource) { self.time = time }

    func trust(_ verifier: PeerVerifier) { self.verifier.withLockedValue { $0 = verifier } }

    /// From now on each of them comes in once in ``Plan/throttledMilliseconds``, and everybody else as he likes.
    func throttle(_ identities: [String]) {
        throttled.withLockedValue { throttled in
            throttled = identities.reduce(into: [:]) { $0[$1] = .some(throttled[$1] ?? nil) }
        }
    }

    /// Whether it is too soon for one more connection of an identity.
    private func isTooSoon(_ identity: SPIFFEID, at now: Timestamp) -> Bool {
        throttled.withLockedValue { throttled in
            let name = identity.description
            guard let last = throttled[name] else { return false }
            if let last, now - last < .milliseconds(Plan.throttledMilliseconds) { return true }
            throttled[name] = .some(now)
            return false
        }
    }

    func authenticate(chain: [[UInt8]], expecting: PeerExpectation) -> Result<AuthenticatedPeer, PeerRefusal> {
        switch judge(chain: chain, expecting: expecting) {
        case .failure(let rejection): return .failure(PeerRefusal(rejection))
        case .success(let peer):
            if case .client = expecting, isTooSoon(peer.identity, at: time.now()) {
                return .failure(PeerRefusal(.throttled))
            }
            return .success(AuthenticatedPeer(identity: peer.identity, serial: peer.serial))
        }
    }

    /// As ``authenticate(chain:expecting:)``, with all that the certificate says, and of no effect on who is throttled.
    func judge(chain: [[UInt8]], expecting: PeerExpectation) -> Result<VerifiedPeer, PeerRejection> {
        guard let verifier = verifier.withLockedValue({ $0 }) else { return .failure(.noTrust) }
        return verifier.verify(chain: chain, expecting: ExpectedPeer(expecting), now: time.now())
            .mapError { .verification($0) }
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
