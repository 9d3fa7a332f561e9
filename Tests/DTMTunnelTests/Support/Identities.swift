import Testing
import DTMCertificates
import DTMCore
import NIOSSL

@testable import DTMTunnel

/// An authority of the tests' own, and what it issues.
struct TestAuthority {
    let authority: Authority
    let verifier: PeerVerifier
    let time: any TimeSource

    init(trustDomain: String = Authority.randomTrustDomain(), time: any TimeSource = AnchoredClock()) throws {
        // Some time ago, so that it can have issued what has expired by now.
        let start = time.now() - .seconds(3_600)
        authority = try Authority(trustDomain: trustDomain, lifetime: .seconds(86_400), now: start)
        verifier = try PeerVerifier(trustBundle: [authority.certificateDER], trustDomain: trustDomain)
        self.time = time
    }

    func authenticator(revokedSerials: [SerialNumber] = [], revokedIdentities: [String] = []) -> TestAuthenticator {
        TestAuthenticator(
            verifier: verifier.revoking(serials: revokedSerials, identities: revokedIdentities), time: time)
    }

    /// What a client's certificate says, as the verifier reads it.
    func serial(of credential: TunnelCredential) throws -> SerialNumber {
        let certificate = try NIOSSLCertificate(bytes: try #require(credential.chain.first), format: .der)
        return try #require(SerialNumber(bytes: certificate.serialNumber))
    }

    func listenerIdentity(_ tunnel: TunnelID) throws -> SPIFFEID {
        try #require(SPIFFEID.tunnel(tunnel, in: authority.trustDomain))
    }

    func clientIdentity(_ tunnel: TunnelID, who: String = "uid-0.test") throws -> SPIFFEID {
        try #require(SPIFFEID.client(of: tunnel, who: who, in: authority.trustDomain))
    }

    /// - Parameter age: how long ago it was issued.
    func credential(_ identity: SPIFFEID, lifetime: Duration = .seconds(3_600), age: Duration = .zero) throws
        -> TunnelCredential
    {
        let key = try LeafKey()
        let issued = try authority.issue(
            request: try key.certificateRequest(), identity: identity, lifetime: lifetime, now: time.now() - age)
        return TunnelCredential(chain: issued.chain, signer: TestSigner(key: key))
    }
}

struct TestSigner: HandshakeSigner {
    let key: LeafKey
    func signature(over message: [UInt8]) throws -> [UInt8] { try key.signature(over: message) }
}

struct TestAuthenticator: PeerAuthenticator {
    let verifier: PeerVerifier
    let time: any TimeSource

    func authenticate(chain: [[UInt8]], expecting: PeerExpectation) -> Result<AuthenticatedPeer, PeerRefusal> {
        let expected: ExpectedPeer =
            switch expecting {
            case .client(let tunnel): .client(of: tunnel)
            case .listener(let identity): .listener(identity)
            }
        return verifier.verify(chain: chain, expecting: expected, now: time.now())
            .map { AuthenticatedPeer(identity: $0.identity, serial: $0.serial) }
            .mapError { error in
                let codes: [VerificationError.Code] = [.revoked, .identityRevoked, .wrongRole, .wrongTunnel]
                return PeerRefusal(
                    code: error.code == .wrongListener ? "wrongTunnel" : error.code.rawValue, message: error.message,
                    concernsIdentity: codes.contains(error.code))
            }
    }
}
