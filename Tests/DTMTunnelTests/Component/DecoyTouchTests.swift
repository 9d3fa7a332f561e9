import DTMCertificates
import DTMCore
import DTMTestSupport
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import DTMTunnel

@Suite("Whoever touches a decoy", .serialized)
struct DecoyTouchTests {
    private func touch(_ fixture: TunnelFixture) -> Incident? {
        fixture.observer.current.incidents.first { $0.kind == .decoyTouched }
    }

    @Test(
        "is told once, while it is there, with its socket's owner and what it sent",
        arguments: ["", "hello\r\n", "\u{16}\u{3}\u{1}"])
    func told(_ bytes: String) async throws {
        try await withTunnel { fixture, target in
            try await fixture.setRole(.decoy)
            let begin = ContinuousClock.now
            let peer = try BlockingSocket(connectedTo: fixture.endpoint)
            try peer.send(bytes)
            #expect(eventually { touch(fixture) != nil })
            print("a touch with \(bytes.utf8.count) bytes was told after \(begin.duration(to: .now))")
            let incident = try #require(touch(fixture))
            let kind: SentBytes.Kind = bytes.isEmpty ? .nothing : bytes.hasPrefix("h") ? .text : .tlsClientHello
            #expect(incident.owner?.uid == getuid() && incident.owner?.inode ?? 0 != 0)
            #expect(incident.sent?.first == Array(bytes.utf8) && incident.sent?.kind == kind)
            #expect(incident.local == fixture.endpoint && incident.peer != nil && incident.identity == nil)
            peer.endSending()
            #expect(eventually { fixture.sessions.openConnections == 0 })
            #expect(fixture.observer.current.incidents.count == 1)
            #expect(!target.hasVisitor)
        }
    }

    @Test("is told though it goes away at once")
    func vanishes() async throws {
        try await withTunnel { fixture, target in
            try await fixture.setRole(.decoy)
            for _ in 0..<20 { try BlockingSocket(connectedTo: fixture.endpoint).reset() }
            for _ in 0..<20 { try BlockingSocket(connectedTo: fixture.endpoint).endSending() }
            #expect(eventually { fixture.observer.current.incidents.count == 40 })
            let owned = fixture.observer.current.incidents.count { $0.owner != nil }
            print("of 40 peers that went away at once, the kernel told the owner of \(owned)")
        }
    }

    @Test("with an identity of the tunnel is told where to go, and is no alarm")
    func misdialled() async throws {
        try await withTunnel { fixture, target in
            let elsewhere = TunnelFixture.freshEndpoint()
            fixture.server.update { $0.currentEndpoints = [elsewhere] }
            try await fixture.setRole(.decoy)
            let credential = try fixture.goodCredential()
            for _ in 0..<20 { #expect(try await fixture.attempt(credential) == "moved \(elsewhere)") }
            #expect(eventually { fixture.sessions.openConnections == 0 })
            #expect(fixture.observer.current.incidents.isEmpty)
        }
    }

    @Test("a scan gets the same of a decoy as of the live endpoint: leaf, alert, bytes")
    func alike() async throws {
        try await withTunnel { fixture, target in
            var endpoints = [fixture.endpoint]
            for _ in 0..<5 {
                let decoy = try await fixture.open(TunnelFixture.freshEndpoint(), role: .decoy)
                endpoints.append(try await decoy.eventLoop.submit { decoy.value.endpoint }.get())
            }
            let stranger = try TestAuthority(
                trustDomain: fixture.authority.authority.trustDomain, time: fixture.authority.time
            ).credential(try fixture.authority.clientIdentity(fixture.tunnel))
            var old = Intruder.settings
            old.maximumTLSVersion = .tlsv12
            var otherCurve = Intruder.settings
            otherCurve.curves = [.secp384r1]
            let manners = [
                Intruder.settings, try Intruder.settings(TestKey(stranger.signer), chain: stranger.chain), old,
                otherCurve,
            ]
            for settings in manners {
                var answers: Set<Answer> = []
                var sizes: [Int] = []
                for endpoint in endpoints {
                    var answer = try await Answer.of(endpoint, settings, fixture.group)
                    sizes.append(answer.received)
                    answer.received = 0
                    answers.insert(answer)
                }
                #expect(answers.count == 1)
                // An ECDSA signature has 70 to 72 bytes, and a byte less now and then.
                #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 6, "\(sizes)")
            }
            for words in ["GET / HTTP/1.0\r\n\r\n", "hello\n", "\u{0}\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}"] {
                var answers: Set<[UInt8]?> = []
                for endpoint in endpoints {
                    let peer = try BlockingSocket(connectedTo: endpoint)
                    try peer.send(words)
                    answers.insert(peer.receiveAll())
                }
                #expect(answers.count == 1, "\(answers)")
            }
        }
    }
}

/// What a stranger's handshake brought to light.
private struct Answer: Hashable {
    var leaf: [UInt8] = []
    var errors: [String] = []
    var received = 0

    static func of(
        _ endpoint: Endpoint, _ configuration: TLSConfiguration, _ group: any EventLoopGroup
    ) async throws -> Self {
        let context = try NIOSSLContext(configuration: configuration)
        let answer = NIOLockedValueBox(Self())
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(
                        context: context, serverHostname: nil,
                        customVerificationCallback: { certificates, promise in
                            let leaf = (try? certificates.first?.toDERBytes()) ?? []
                            answer.withLockedValue { $0.leaf = leaf }
                            promise.succeed(.certificateVerified)
                        })
                    try channel.pipeline.syncOperations.addHandlers([
                        Counter(answer), tls, Listener(answer),
                    ])
                }
            }
            .connect(to: endpoint.socketAddress).get()
        try await channel.closeFuture.get()
        return answer.withLockedValue { $0 }
    }

    /// Counts what comes from the socket.
    private final class Counter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let answer: NIOLockedValueBox<Answer>
        init(_ answer: NIOLockedValueBox<Answer>) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let count = unwrapInboundIn(data).readableBytes
            answer.withLockedValue { $0.received += count }
            context.fireChannelRead(data)
        }
    }

    private final class Listener: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let answer: NIOLockedValueBox<Answer>
        init(_ answer: NIOLockedValueBox<Answer>) { self.answer = answer }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // Without the places in memory and in the library that NIOSSL names.
            let words = String(describing: error).split(whereSeparator: { " []:(),".contains($0) })
            answer.withLockedValue { $0.errors.append(words.filter { $0.contains("_") }.joined(separator: " ")) }
            context.close(promise: nil)
        }
    }
}
