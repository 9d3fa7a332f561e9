import DTMTestSupport
import DTMCertificates
import DTMCore
import NIOCore
import NIOSSL
import Testing

@testable import DTMTunnel

@Suite("Those who may not come in", .serialized)
struct IntruderTests {
    /// Waits for the one incident, and looks whether anything reached the target.
    private func expect(
        _ kind: Incident.Kind, saying words: String, _ cause: Incident.Cause? = nil, _ fixture: TunnelFixture,
        _ target: BlockingServer,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(eventually { !fixture.observer.current.incidents.isEmpty }, sourceLocation: sourceLocation)
        let incidents = fixture.observer.current.incidents
        #expect(incidents.map(\.kind) == [kind], sourceLocation: sourceLocation)
        #expect(incidents.first?.reason.contains(words) == true, "\(incidents)", sourceLocation: sourceLocation)
        if let cause { #expect(incidents.first?.cause == cause, sourceLocation: sourceLocation) }
        #expect(
            incidents.first?.peer != nil && incidents.first?.local == fixture.endpoint, sourceLocation: sourceLocation)
        #expect(!target.hasVisitor, sourceLocation: sourceLocation)
        #expect(fixture.server.counters.rejected == 1, sourceLocation: sourceLocation)
        #expect(eventually { fixture.sessions.openConnections == 0 }, sourceLocation: sourceLocation)
        #expect(fixture.server.counters.active == 0, sourceLocation: sourceLocation)
    }

    @Test(
        "what is not TLS",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "plain HTTP"), ("PUT / HTTP/1.1\r\n\r\n", "plain HTTP"),
            ("SSH-2.0-OpenSSH_9.2\r\n", "did not speak TLS"), ("*1\r\n$4\r\nPING\r\n", "did not speak TLS"),
            ("\u{0}\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}", "did not speak TLS"),
        ])
    func notTLS(_ bytes: String, _ words: String) async throws {
        try await withTunnel { fixture, target in
            let peer = try BlockingSocket(connectedTo: fixture.endpoint)
            try peer.send(bytes)
            _ = peer.receiveAll()
            expect(.handshakeFailed, saying: words, .notTLS, fixture, target)
        }
    }

    @Test("half a ClientHello, and nothing at all, and then the end")
    func partialHello() async throws {
        for bytes in [[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00], []] as [[UInt8]] {
            for resets in [false, true] {
                try await withTunnel { fixture, target in
                    let peer = try BlockingSocket(connectedTo: fixture.endpoint)
                    try peer.send(bytes)
                    #expect(eventually { fixture.sessions.openConnections == 1 })
                    if resets { peer.reset() } else { peer.endSending() }
                    expect(.handshakeFailed, saying: "went away", .gone, fixture, target)
                }
            }
        }
    }

    @Test("no handshake in time")
    func tooSlow() async throws {
        try await withTunnel(change: { $0.handshakeTimeout = .milliseconds(500) }) { fixture, target in
            let peer = try BlockingSocket(connectedTo: fixture.endpoint)
            #expect(peer.receiveAll() == nil)
            expect(.handshakeFailed, saying: "no handshake within 500 ms", .timeout, fixture, target)
        }
    }

    @Test("a client without a certificate")
    func noCertificate() async throws {
        try await withTunnel { fixture, target in
            let visit = try await Intruder.visit(fixture.endpoint, Intruder.settings, send: [1], on: fixture.group)
            #expect(visit.received.isEmpty)
            expect(.handshakeFailed, saying: "showed no certificate", .noCertificate, fixture, target)
        }
    }

    @Test("TLS 1.2 alone")
    func oldTLS() async throws {
        try await withTunnel { fixture, target in
            var settings = Intruder.settings
            settings.maximumTLSVersion = .tlsv12
            let visit = try await Intruder.visit(fixture.endpoint, settings, on: fixture.group)
            #expect(!visit.shookHands)
            expect(.handshakeFailed, saying: "did not offer TLS 1.3", .incompatible, fixture, target)
        }
    }

    @Test("a key exchange that is not allowed")
    func otherCurve() async throws {
        try await withTunnel { fixture, target in
            var settings = Intruder.settings
            settings.curves = [.secp384r1]
            let visit = try await Intruder.visit(fixture.endpoint, settings, on: fixture.group)
            #expect(!visit.shookHands)
            expect(.handshakeFailed, saying: "key exchange", .incompatible, fixture, target)
        }
    }

    @Test("a certificate in order and another protocol, or none", arguments: [[], ["h2"], ["dtm/2", "http/1.1"]])
    func otherProtocol(_ protocols: [String]) async throws {
        try await withTunnel { fixture, target in
            let credential = try fixture.goodCredential()
            var settings = try Intruder.settings(TestKey(credential.signer), chain: credential.chain)
            settings.applicationProtocols = protocols
            let visit = try await Intruder.visit(fixture.endpoint, settings, send: [1], on: fixture.group)
            #expect(visit.received.isEmpty)
            expect(.handshakeFailed, saying: "dtm/1", .incompatible, fixture, target)
        }
    }

    @Test("a decoy reports whoever comes without an identity as what it is")
    func decoy() async throws {
        try await withTunnel { fixture, target in
            try await fixture.setRole(.decoy)
            let peer = try BlockingSocket(connectedTo: fixture.endpoint)
            try peer.send("GET / HTTP/1.0\r\n\r\n")
            _ = peer.receiveAll()
            expect(.decoyTouched, saying: "plain HTTP", .notTLS, fixture, target)
        }
    }

    @Test("whoever came while the endpoint was live is not told to have touched a decoy")
    func cameInTime() async throws {
        try await withTunnel { fixture, target in
            let peer = try BlockingSocket(connectedTo: fixture.endpoint)
            #expect(eventually { fixture.sessions.openConnections == 1 })
            try await fixture.setRole(.decoy)
            peer.endSending()
            expect(.handshakeFailed, saying: "went away", .gone, fixture, target)
        }
    }

    enum Wrong: String, CaseIterable, Sendable {
        case foreign, expired, otherTunnel, listener, revokedIdentity, revokedSerial
    }

    @Test("a certificate that is not good for this tunnel", arguments: Wrong.allCases)
    func wrongCertificate(_ wrong: Wrong) async throws {
        try await withTunnel { fixture, target in
            let authority = fixture.authority
            let client = try authority.clientIdentity(fixture.tunnel)
            let good = try fixture.goodCredential()
            let (credential, kind, words): (TunnelCredential, Incident.Kind, String)
            switch wrong {
            case .foreign:
                let other = try TestAuthority(trustDomain: authority.authority.trustDomain, time: authority.time)
                (credential, kind, words) = (try other.credential(client), .handshakeFailed, "not in the trust bundle")
            case .expired:
                let old = try authority.credential(client, lifetime: .seconds(60), age: .seconds(120))
                (credential, kind, words) = (old, .handshakeFailed, "has expired")
            case .otherTunnel:
                let stranger = try authority.credential(try authority.clientIdentity(.random()))
                (credential, kind, words) = (stranger, .identityRefused, "client of another tunnel")
            case .listener:
                let listener = try authority.credential(try authority.listenerIdentity(fixture.tunnel))
                (credential, kind, words) = (listener, .identityRefused, "listener where a client")
            case .revokedIdentity:
                fixture.server.update {
                    $0.authenticator = authority.authenticator(revokedIdentities: [client.description])
                }
                (credential, kind, words) = (good, .identityRefused, "identity is revoked")
            case .revokedSerial:
                let serial = try authority.serial(of: good)
                fixture.server.update { $0.authenticator = authority.authenticator(revokedSerials: [serial]) }
                (credential, kind, words) = (good, .identityRefused, "certificate is revoked")
            }
            #expect(try await fixture.attempt(credential) == "identityNotAccepted")
            expect(kind, saying: words, nil, fixture, target)
        }
    }
}
