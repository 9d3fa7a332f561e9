import DTMCore
import NIOCore
import NIOSSL

/// The verdict on one handshake's peer, between the moment the certificates come and the moment the handshake is
/// complete.
///
/// Belongs to the event loop of its connection.
///
/// A session that was resumed from a ticket never brings its certificates: then there is no verdict, and the connection
/// must be closed. Otherwise a client whose certificate had expired or was revoked would come back in through its
/// ticket.
final class PeerCheck {
    private let authenticator: any PeerAuthenticator
    private let expectation: PeerExpectation
    private(set) var verdict: Result<AuthenticatedPeer, PeerRefusal>?

    init(authenticator: any PeerAuthenticator, expectation: PeerExpectation) {
        self.authenticator = authenticator
        self.expectation = expectation
    }

    /// A server's TLS handler that asks this check.
    func serverHandler(_ context: NIOSSLContext) -> NIOSSLServerHandler {
        NIOSSLServerHandler(
            context: context, configuration: Self.handlerConfiguration,
            customVerificationCallbackWithMetadata: { $1.succeed(self.judge($0)) })
    }

    /// A client's TLS handler that asks this check. It sends no server name: an endpoint has none.
    func clientHandler(_ context: NIOSSLContext) throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(
            context: context, serverHostname: nil, configuration: Self.handlerConfiguration,
            customVerificationCallbackWithMetadata: { $1.succeed(self.judge($0)) })
    }

    /// Who the peer is, once its certificate was found good, whether the handshake is complete or not.
    var candidate: AuthenticatedPeer? {
        if case .success(let peer)? = verdict { peer } else { nil }
    }

    /// Whether the peer was refused for who it is, and not for what it showed.
    var refusesIdentity: Bool {
        if case .failure(let refusal)? = verdict { refusal.concernsIdentity } else { false }
    }

    /// An idle connection gives its outbound buffer back.
    private static let handlerConfiguration = {
        var configuration = NIOSSLHandler.Configuration()
        configuration.maximumPreservedOutboundBufferCapacity = 4_096
        return configuration
    }()

    func judge(_ certificates: [NIOSSLCertificate]) -> NIOSSLVerificationResultWithMetadata {
        let chain = certificates.prefix(4).compactMap { try? $0.toDERBytes() }
        let verdict = authenticator.authenticate(chain: chain, expecting: expectation)
        self.verdict = verdict
        guard case .success = verdict, let leaf = certificates.first else { return .failed }
        return .certificateVerified(VerificationMetadata(ValidatedCertificateChain([leaf])))
    }
}
