import DTMCertificates
import DTMCore
import DTMTunnel
import NIOCore
import NIOPosix
import NIOSSL

/// Whole handshakes of an attacker, one at a time on a thread of its own. The listener is believed whoever it is.
struct TLSAttempts {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// - Parameter credential: Nil: no certificate is shown.
    static func context(
        _ credential: (chain: [[UInt8]], key: LeafKey)?, protocolName: String = TunnelTLS.applicationProtocol
    ) throws -> NIOSSLContext {
        if let credential {
            return try TunnelTLS.clientContext(
                TunnelCredential(chain: credential.chain, signer: AttackerSigner(key: credential.key)))
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.certificateVerification = .none
        configuration.applicationProtocols = [protocolName]
        return try NIOSSLContext(configuration: configuration)
    }

    /// A client's certificate that an authority of the attacker's own issued.
    static func foreignCredential() throws -> (chain: [[UInt8]], key: LeafKey) {
        let now = WallClock().now()
        let domain = Authority.randomTrustDomain()
        guard let identity = SPIFFEID.client(of: .random(), who: "uid-0.redteam", in: domain) else {
            throw RedteamError(.system, "an identity could not be made up")
        }
        let authority = try Authority(trustDomain: domain, lifetime: .seconds(86_400), now: now)
        let key = try LeafKey()
        let leaf = try authority.issue(
            request: try key.certificateRequest(), identity: identity, lifetime: .seconds(3_600), now: now)
        return (leaf.chain, key)
    }

    /// - Returns: whether it was let in: the first byte after the handshake belongs to the status frame, and says
    ///   `accepted`.
    func isLetIn(at place: LoopbackPlace, _ context: NIOSSLContext, patience: TimeAmount = .seconds(3)) -> Bool {
        let loop = group.next()
        let outcome = loop.makePromise(of: Bool.self)
        ClientBootstrap(group: loop).connectTimeout(patience)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(
                        context: context, serverHostname: nil,
                        customVerificationCallback: { _, done in done.succeed(.certificateVerified) })
                    try channel.pipeline.syncOperations.addHandlers([tls, FirstAnswer(outcome, patience)])
                }
            }
            .connect(host: place.host, port: Int(place.port))
            .whenFailure { _ in outcome.succeed(false) }
        return (try? outcome.futureResult.wait()) ?? false
    }

    func end() { try? group.syncShutdownGracefully() }
}

private struct AttackerSigner: HandshakeSigner {
    let key: LeafKey
    func signature(over message: [UInt8]) throws -> [UInt8] { try key.signature(over: message) }
}

/// Sends a command at once and waits for the first bytes that come out of the handshake.
private final class FirstAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let outcome: EventLoopPromise<Bool>
    private let patience: TimeAmount
    private var received = ByteBuffer()
    private var timer: Scheduled<Void>?

    init(_ outcome: EventLoopPromise<Bool>, _ patience: TimeAmount) {
        self.outcome = outcome
        self.patience = patience
    }

    func channelActive(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { self.finish(context, false) }
        // An attacker does not wait to be asked.
        context.writeAndFlush(NIOAny(ByteBuffer(string: "PING\r\n")), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        guard received.readableBytes >= 2 else { return }
        // Version 1, type accepted; anything that is no status frame came from somebody else: let in as well.
        let head = Array(received.readableBytesView.prefix(2))
        finish(context, !(head == [1, 2] || head == [1, 3]))
    }

    func channelInactive(context: ChannelHandlerContext) { finish(context, false) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { finish(context, false) }

    private func finish(_ context: ChannelHandlerContext, _ isLetIn: Bool) {
        timer?.cancel()
        outcome.succeed(isLetIn)
        context.close(promise: nil)
    }
}
