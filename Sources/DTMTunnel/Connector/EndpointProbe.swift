public import DTMCore
public import NIOCore
import NIOPosix
public import NIOSSL

/// Shakes hands with one endpoint as a client does, and says what it met: how a new listener is tried before it is
/// published.
public enum EndpointProbe {
    /// - Returns: a future that succeeds when the listener with `identity` answered with a status frame. It fails with
    ///   ``TunnelError`` `endpointUnreachable`, `peerNotAuthenticated` or `identityNotAccepted`.
    public static func run(
        _ endpoint: Endpoint, context: NIOSSLContext, authenticator: any PeerAuthenticator, identity: SPIFFEID,
        timeout: TimeAmount, on loop: any EventLoop
    ) -> EventLoopFuture<Void> {
        EndpointAttempt.run(
            endpoint, context: context, authenticator: authenticator, identity: identity, timeout: timeout, on: loop
        ).flatMapThrowing { outcome in
            switch outcome {
            case .accepted(let channel, _): channel.close(promise: nil)
            case .moved, .refused: break
            case .unreachable, .silent:
                throw TunnelError(code: .endpointUnreachable, message: "nothing answered the handshake at \(endpoint)")
            case .otherTunnel:
                throw TunnelError(code: .peerNotAuthenticated, message: "another tunnel answered at \(endpoint)")
            case .impostor(let reason):
                throw TunnelError(code: .peerNotAuthenticated, message: "not our listener at \(endpoint): \(reason)")
            case .identityNotAccepted:
                throw TunnelError(
                    code: .identityNotAccepted, message: "the listener at \(endpoint) did not accept our certificate")
            }
        }
    }
}

/// One attempt at one endpoint.
enum EndpointAttempt {
    static func run(
        _ endpoint: Endpoint, context: NIOSSLContext, authenticator: any PeerAuthenticator, identity: SPIFFEID,
        timeout: TimeAmount, on loop: any EventLoop
    ) -> EventLoopFuture<AttemptOutcome> {
        let outcome = loop.makePromise(of: AttemptOutcome.self)
        ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: RelayTuning.waterMark)
            .connect(to: endpoint.socketAddress)
            .whenComplete { result in
                // Most candidates of a search are refused: what TLS needs is made for those that are not.
                guard case .success(let channel) = result else { return outcome.succeed(.unreachable) }
                do {
                    let check = PeerCheck(authenticator: authenticator, expectation: .listener(identity))
                    try channel.pipeline.syncOperations.addHandlers([
                        TransportHandler(), try check.clientHandler(context),
                        ClientHandshake(check: check, outcome: outcome, timeout: timeout),
                    ])
                } catch {
                    channel.close(promise: nil)
                    outcome.succeed(.unreachable)
                }
            }
        return outcome.futureResult
    }
}
