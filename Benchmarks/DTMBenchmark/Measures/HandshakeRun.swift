import Crypto
import DTMCertificates
import DTMCore
import DTMTunnel
import NIOCore
import NIOEmbedded
import NIOSSL
import NIOTLS
import SwiftASN1
import X509

/// What it costs a handshake that the TLS library never holds the key: the same settings and certificates, both sides in memory, with
/// keys in protected memory that sign on request, and with keys that were given to the library.
struct HandshakeRun {
    let rounds: Int

    private static let tunnel = TunnelID.random()

    func run() throws -> [OwnFigure] {
        let now = WallClock().now()
        let authority = try Authority(
            trustDomain: Authority.randomTrustDomain(), lifetime: .seconds(86_400), now: now - .seconds(60))
        let opaque = try contexts(authority, now, Self.opaqueKey)
        let ordinary = try contexts(authority, now, Self.ordinaryKey)
        var opaqueRates: [Double] = []
        var ordinaryRates: [Double] = []
        // In turn, so that both meet the same neighbours.
        for _ in 1...9 {
            ordinaryRates.append(try rate(ordinary))
            opaqueRates.append(try rate(opaque))
        }
        let ratio = (Statistics.median(opaqueRates) ?? .nan) / (Statistics.median(ordinaryRates) ?? .nan)
        // As a cost, since all goals here are the most that a figure may be: 1 ÷ 0.9.
        return [
            OwnFigure(
                title: "a handshake with keys that the TLS library does not hold ÷ one with keys that it holds",
                value: 1 / ratio, target: 1.11, unit: "")
        ]
    }

    // MARK: Keys

    private typealias Key = (request: [UInt8], source: NIOSSLPrivateKeySource)

    /// As data plane and connectors have it.
    private static func opaqueKey() throws -> Key {
        let key = try LeafKey()
        return (try key.certificateRequest(), TunnelTLS.privateKey(signingWith: Signer(key: key)))
    }

    private static func ordinaryKey() throws -> Key {
        let key = P256.Signing.PrivateKey()
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName(), privateKey: Certificate.PrivateKey(key),
            attributes: CertificateSigningRequest.Attributes(), signatureAlgorithm: .ecdsaWithSHA256)
        var serializer = DER.Serializer()
        try serializer.serialize(request)
        let held = try NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der)
        return (serializer.serializedBytes, .privateKey(held))
    }

    private struct Signer: HandshakeSigner {
        let key: LeafKey
        func signature(over message: [UInt8]) throws -> [UInt8] { try key.signature(over: message) }
    }

    // MARK: Handshakes

    private struct Contexts {
        var server: NIOSSLContext
        var client: NIOSSLContext
    }

    private func contexts(_ authority: Authority, _ now: Timestamp, _ make: () throws -> Key) throws -> Contexts {
        guard let listener = SPIFFEID.tunnel(Self.tunnel, in: authority.trustDomain),
            let client = SPIFFEID.client(of: Self.tunnel, who: "uid-0.benchmark", in: authority.trustDomain)
        else { throw BenchmarkError("identities for the handshakes could not be made") }
        func chain(_ key: Key, _ identity: SPIFFEID) throws -> [[UInt8]] {
            try authority.issue(request: key.request, identity: identity, lifetime: .seconds(3_600), now: now).chain
        }
        let server = try make()
        let visitor = try make()
        return Contexts(
            server: try TunnelTLS.serverContext(try chain(server, listener), server.source),
            client: try TunnelTLS.clientContext(try chain(visitor, client), visitor.source))
    }

    /// Handshakes a second.
    private func rate(_ contexts: Contexts) throws -> Double {
        let clock = Stopwatch()
        for _ in 1...rounds { try handshake(contexts) }
        return Double(rounds) / clock.seconds
    }

    private func handshake(_ contexts: Contexts) throws {
        let loop = EmbeddedEventLoop()
        let server = EmbeddedChannel(loop: loop)
        let client = EmbeddedChannel(loop: loop)
        let done = Completion()
        try server.pipeline.syncOperations.addHandlers([
            NIOSSLServerHandler(
                context: contexts.server, customVerificationCallback: { $1.succeed(.certificateVerified) })
        ])
        try client.pipeline.syncOperations.addHandlers([
            try NIOSSLClientHandler(
                context: contexts.client, serverHostname: nil,
                customVerificationCallback: { $1.succeed(.certificateVerified) }), done,
        ])
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        server.connect(to: address, promise: nil)
        client.connect(to: address, promise: nil)
        var moved = true
        while moved, !done.isReached {
            moved = false
            while let bytes = try client.readOutbound(as: ByteBuffer.self) {
                moved = true
                try server.writeInbound(bytes)
            }
            while let bytes = try server.readOutbound(as: ByteBuffer.self) {
                moved = true
                try client.writeInbound(bytes)
            }
            loop.run()
        }
        guard done.isReached else { throw BenchmarkError("a handshake in memory did not come to its end") }
        // Each end says that it closes, to nobody.
        server.close(promise: nil)
        client.close(promise: nil)
        loop.run()
    }
}

/// Notes the end of a handshake.
private final class Completion: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private(set) var isReached = false

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { isReached = true }
        context.fireUserInboundEventTriggered(event)
    }
}
