import DTMTestSupport
import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// Whoever has no identity that DTM issued gets nothing, and the target sees no byte of theirs.
    @Suite("04 strangers at the tunnel's door")
    struct Strangers {
        /// An endpoint that stays where it is while a test looks at it.
        static let still = ["--interval", "3600", "--overlap", "60"]
        static let quick = #"{"timeouts": {"handshakeSeconds": 1}}"#

        let manager: Manager
        let target: RecordingTarget
        let openssl: OpenSSL
        let endpoint: Endpoint
        /// What `dtm protect` did to see whether the target answers.
        let before: RecordingTarget.Seen

        init() throws {
            manager = try Manager(Self.quick)
            target = try RecordingTarget()
            try manager.protect(target.target, name: "door", "--interval", "3600", "--overlap", "60")
            openssl = OpenSSL(directory: manager.directory)
            endpoint = try manager.endpoint(of: "door")
            let target = target
            _ = eventually(.seconds(1)) { target.seen.connections > 0 }
            before = target.seen
        }

        private func expectNothing(
            _ visit: OpenSSL.Visit, _ reason: String, as kind: String = "handshake.failed"
        ) throws {
            #expect(visit.received == [])
            #expect(visit.ending != nil && visit.ending != .exited(0), "it should have been sent away: \(visit.errors)")
            try expectRefusal(reason, as: kind)
        }

        private func expectRefusal(_ reason: String, as kind: String = "handshake.failed") throws {
            try manager.event(kind) { event in
                event.tunnel == "door" && "\(event.detail["reason"] ?? "")".contains(reason)
            }
            #expect(target.seen == before)
        }

        @Test("A client with a certificate of this manager is told accepted, and then talks to the target")
        func welcome() throws {
            let (identity, _) = try openssl.identity("guest", for: "door", of: manager)
            let visit = try openssl.visit(endpoint, identity.arguments, says: "hello\n")
            #expect(visit.received == [1, 1, 0, 0] + Array("hello\n".utf8), "\(visit.errors)")
            #expect(target.seen.bytes == Array("hello\n".utf8))
        }

        @Test("A client without a certificate gets nothing")
        func noCertificate() throws {
            try expectNothing(try openssl.visit(endpoint), "certificate")
        }

        @Test("A client with a certificate of another authority gets nothing")
        func foreignCertificate() throws {
            let (_, answer) = try openssl.identity("guest", for: "door", of: manager)
            let foreign = try openssl.foreignIdentity("foreign", spiffe: answer.identity)
            try expectNothing(try openssl.visit(endpoint, foreign.arguments), "")
        }

        @Test("A client with a certificate for another tunnel of the same manager gets nothing")
        func otherTunnel() throws {
            let other = try RecordingTarget()
            try manager.protect(other.target, name: "other")
            let (identity, _) = try openssl.identity("neighbour", for: "other", of: manager)
            try expectNothing(
                try openssl.visit(endpoint, identity.arguments), "another tunnel", as: "connection.refused")
        }

        @Test("A client that speaks another protocol inside TLS gets nothing")
        func otherProtocol() throws {
            let (identity, _) = try openssl.identity("guest", for: "door", of: manager)
            let visit = try openssl.visit(endpoint, identity.arguments + ["-alpn", "h2"])
            #expect(!visit.received.starts(with: [1, 1, 0, 0]), "\(visit.received)")
            #expect(target.seen == before)
        }

        @Test("A client that offers TLS 1.2 at most gets nothing")
        func oldVersion() throws {
            let (identity, _) = try openssl.identity("guest", for: "door", of: manager)
            let outcome = try run(
                "openssl", ["s_client", "-connect", "\(endpoint)", "-tls1_2", "-quiet"] + identity.arguments,
                in: manager.directory, input: "PING\r\n")
            #expect(outcome.status != 0)
            #expect(outcome.output == "")
            try expectRefusal("")
        }

        @Test("Plain HTTP gets nothing")
        func plainHTTP() throws {
            let outcome = try run("curl", ["-sS", "-m", "10", "http://\(endpoint)/"], in: manager.directory)
            #expect(outcome.status != 0)
            #expect(outcome.output == "")
            try expectRefusal("HTTP")
        }

        @Test("Garbage gets nothing but an alert", arguments: [1, 5, 300, 20_000])
        func garbage(count: Int) throws {
            var generator = SeededGenerator(seed: UInt64(count))
            let socket = try BlockingSocket(connectedTo: endpoint, patience: 5)
            try? socket.send((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
            socket.endSending()
            let received = socket.receiveWhatComes()
            #expect(received.count <= 7, "at most a TLS alert: \(received)")
            try expectRefusal("")
        }

        @Test("Half a ClientHello is waited for as long as the configuration says, and gets nothing")
        func halfHello() throws {
            let socket = try BlockingSocket(connectedTo: endpoint, patience: 10)
            try socket.send(ClientHello.firstHalf)
            let received = socket.receiveWhatComes()
            #expect(received.count <= 7, "at most a TLS alert: \(received)")
            try expectRefusal("no handshake within 1000 ms")
        }

        @Test("Silent connections keep nobody out")
        func silent() throws {
            let count = BuiltProgram.size(ci: 1_500, soak: 10_000)
            DescriptorLimit.raise(toHold: count + 500)
            let connection = try Connection(manager, to: "door")
            let silent = try (0..<count).map { _ in try BlockingSocket(connectedTo: endpoint) }
            for round in 0..<50 {
                let socket = try connection.socket()
                let text = Array("round \(round)\n".utf8)
                try socket.send(text)
                #expect(try socket.receive(exactly: text.count) == text)
            }
            #expect(silent.count == count)
            let socket = try connection.socket()
            try socket.send("last")
            #expect(try socket.receive(exactly: 4) == Array("last".utf8))
            #expect(target.seen.connections == before.connections + 51, "the target met the real client alone")
            try manager.event("handshake.failed", within: .seconds(20))
            #expect(try manager.status().processes.count == 3)
        }
    }

    @Suite("05 certificates that are no longer good")
    struct FormerFriends {
        @Test("A client whose certificate has expired gets nothing, not even by the session that it still has")
        func expired() throws {
            let manager = try Manager(
                #"{"certificates": {"leafLifetimeSeconds": 10, "renewalMarginSeconds": 3}, "timeouts": {"handshakeSeconds": 2}}"#
            )
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "door", "--interval", "3600", "--overlap", "60")
            let openssl = OpenSSL(directory: manager.directory)
            let (identity, _) = try openssl.identity("guest", for: "door", of: manager)
            let endpoint = try manager.endpoint(of: "door")
            let session = manager.directory.file("session.pem")
            let first = try openssl.visit(endpoint, identity.arguments + ["-sess_out", session], says: "first\n")
            #expect(first.received == [1, 1, 0, 0] + Array("first\n".utf8), "\(first.errors)")
            let isExpired = try eventually(.seconds(30)) {
                let list = try manager.dtm("certs", "list", "--json").decode(CertificateList.self)
                return list.certificates.first { $0.serial == identity.serial }.map { $0.status == "expired" } ?? true
            }
            #expect(isExpired)
            let before = target.seen
            for more in [[], ["-sess_in", session]] {
                let visit = try openssl.visit(endpoint, identity.arguments + more)
                #expect(visit.received == [], "\(more): \(visit.errors)")
            }
            #expect(target.seen == before)
            try manager.event("handshake.failed") { "\($0.detail["reason"] ?? "")".contains("expired") }
        }

        @Test("A client whose certificate was revoked can't come back by resuming its session")
        func revokedResumption() throws {
            let manager = try Manager(#"{"timeouts": {"handshakeSeconds": 2}}"#)
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "door", "--interval", "3600", "--overlap", "600")
            let openssl = OpenSSL(directory: manager.directory)
            let (identity, _) = try openssl.identity("guest", for: "door", of: manager)
            let former = try manager.endpoint(of: "door")
            let session = manager.directory.file("session.pem")
            let first = try openssl.visit(former, identity.arguments + ["-sess_out", session], says: "first\n")
            #expect(first.received == [1, 1, 0, 0] + Array("first\n".utf8), "\(first.errors)")
            try #require(text(of: session).contains("BEGIN SSL SESSION"), "there is no ticket to try it with")
            #expect(try manager.dtm("certs", "revoke", identity.serial).status == 0)
            // Its endpoints follow new keys; the former one is in its overlap and still accepts others.
            let moved = try awaited("it did not move") {
                let now = try manager.endpoint(of: "door")
                return now == former ? nil : now
            }
            let before = target.seen
            for endpoint in [former, moved] {
                for credentials in [identity.arguments, []] {
                    for resumption in [["-sess_in", session], []] {
                        let visit = try openssl.visit(endpoint, credentials + resumption)
                        #expect(visit.received == [], "\(endpoint) \(credentials) \(resumption): \(visit.errors)")
                    }
                }
            }
            #expect(target.seen == before)
            try manager.event("connection.refused") { "\($0.detail["reason"] ?? "")".contains("revoked") }
        }

        @Test("A session of a good certificate is no way around the certificate either")
        func resumption() throws {
            let manager = try Manager(#"{"timeouts": {"handshakeSeconds": 2}}"#)
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "door", "--interval", "3600", "--overlap", "600")
            let openssl = OpenSSL(directory: manager.directory)
            let (identity, _) = try openssl.identity("guest", for: "door", of: manager)
            let endpoint = try manager.endpoint(of: "door")
            let session = manager.directory.file("session.pem")
            _ = try openssl.visit(endpoint, identity.arguments + ["-sess_out", session], says: "first\n")
            try #require(text(of: session).contains("BEGIN SSL SESSION"))
            let before = target.seen
            let visit = try openssl.visit(endpoint, ["-sess_in", session])
            #expect(visit.received == [], "\(visit.errors)")
            #expect(target.seen == before)
            try manager.event("handshake.failed") { "\($0.detail["reason"] ?? "")".contains("resumed") }
        }
    }
}
