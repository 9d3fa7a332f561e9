import DTMAPI
import DTMCertificates
import DTMCore
import DTMTunnel

/// Judges the listener by the trust bundle that control gave, at the manager's steady time.
struct ServerAuthenticator: PeerAuthenticator {
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
                // The listener of another tunnel of the same manager is no impostor.
                let code = error.code == .wrongListener ? "wrongTunnel" : error.code.rawValue
                return PeerRefusal(code: code, message: error.message)
            }
    }
}

/// A leaf key as the TLS library uses it.
struct ConnectorSigner: HandshakeSigner {
    let key: LeafKey

    func signature(over message: [UInt8]) throws -> [UInt8] { try key.signature(over: message) }
}
