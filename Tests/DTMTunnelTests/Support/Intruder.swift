import DTMTestSupport
import DTMCore
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Testing

@testable import DTMTunnel

/// A TLS client that plays by its own rules, and what it got.
enum Intruder {
    struct Visit: Sendable {
        var shookHands = false
        var received: [UInt8] = []
        var errors: [String] = []
    }

    /// Connects with the TLS settings given, sends `bytes` once it may, and waits for the server to end the connection.
    static func visit(
        _ endpoint: Endpoint, _ configuration: TLSConfiguration, send bytes: [UInt8] = [], on group: any EventLoopGroup
    ) async throws -> Visit {
        let context = try NIOSSLContext(configuration: configuration)
        let visit = NIOLockedValueBox(Visit())
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandlers([tls, Recorder(visit: visit, bytes: bytes)])
                }
            }
            .connect(to: endpoint.socketAddress).get()
        try await channel.closeFuture.get()
        return visit.withLockedValue { $0 }
    }

    /// As a tunnel's client has them, without a certificate and without a look at the server's.
    static var settings: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = [TunnelTLS.applicationProtocol]
        return configuration
    }

    /// The same with a certificate.
    static func settings(_ key: TestKey, chain: [[UInt8]]) throws -> TLSConfiguration {
        var configuration = settings
        configuration.certificateChain = try chain.map {
            .certificate(try NIOSSLCertificate(bytes: $0, format: .der))
        }
        configuration.privateKey = .privateKey(NIOSSLPrivateKey(customPrivateKey: key))
        return configuration
    }

    private final class Recorder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let visit: NIOLockedValueBox<Visit>
        let bytes: [UInt8]

        init(visit: NIOLockedValueBox<Visit>, bytes: [UInt8]) {
            self.visit = visit
            self.bytes = bytes
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            visit.withLockedValue { $0.received += Array(buffer.readableBytesView) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .handshakeCompleted? = event as? TLSUserEvent else { return }
            visit.withLockedValue { $0.shookHands = true }
            if !bytes.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            visit.withLockedValue { $0.errors.append("\(error)") }
            context.close(promise: nil)
        }
    }
}

/// A tests' key as NIOSSL takes it.
final class TestKey: NIOSSLCustomPrivateKey, Hashable {
    private let signer: any HandshakeSigner
    init(_ signer: any HandshakeSigner) { self.signer = signer }

    var signatureAlgorithms: [SignatureAlgorithm] { [.ecdsaSecp256R1Sha256] }

    func sign(channel: any Channel, algorithm: SignatureAlgorithm, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        channel.eventLoop.makeCompletedFuture {
            ByteBuffer(bytes: try signer.signature(over: Array(data.readableBytesView)))
        }
    }

    func decrypt(channel: any Channel, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }

    static func == (left: TestKey, right: TestKey) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

extension TunnelFixture {
    /// One attempt at an endpoint with the credential given, as a word.
    func attempt(_ credential: TunnelCredential, at endpoint: Endpoint? = nil) async throws -> String {
        try await EndpointAttempt.run(
            endpoint ?? self.endpoint, context: try TunnelTLS.clientContext(credential),
            authenticator: authority.authenticator(),
            identity: try authority.listenerIdentity(tunnel), timeout: .seconds(3), on: group.any()
        ).map { outcome in
            switch outcome {
            case .accepted(let channel, _):
                channel.close(promise: nil)
                return "accepted"
            case .moved(let endpoints): return "moved \(endpoints.map(\.description).joined(separator: " "))"
            case .refused(let refusal, _): return "refused \(refusal)"
            case .unreachable: return "unreachable"
            case .silent: return "silent"
            case .otherTunnel: return "otherTunnel"
            case .impostor: return "impostor"
            case .identityNotAccepted: return "identityNotAccepted"
            }
        }.get()
    }

    /// A client's credential of this tunnel that is in order.
    func goodCredential() throws -> TunnelCredential { try authority.credential(try authority.clientIdentity(tunnel)) }
}

/// A tunnel to a target, ended whatever comes of the test.
func withTunnel(
    target: BlockingServer? = nil, threads: Int = 2,
    dialLimits: DialLimits = .init(overall: .seconds(5), attempt: .seconds(2)), maximumConnections: Int = 20_000,
    change: (inout TunnelServer.Settings) -> Void = { _ in },
    _ body: (TunnelFixture, BlockingServer) async throws -> Void
) async throws {
    let target = try target ?? BlockingServer()
    let fixture = try await TunnelFixture.make(
        target: .tcp([target.endpoint]), threads: threads, dialLimits: dialLimits,
        maximumConnections: maximumConnections,
        change: change)
    do {
        try await body(fixture, target)
    } catch {
        await fixture.close()
        throw error
    }
    await fixture.close()
}
