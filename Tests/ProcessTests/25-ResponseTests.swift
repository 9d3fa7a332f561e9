import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// What the ladder does to real connections and real processes, and that it can be taken back.
    @Suite("25 responses", .enabled(if: OtherUser.nobody != nil, "only root can become the attacker"))
    struct Responses {
        private static let configuration = #"{"response": {"mode": "protect", "climbSeconds": 1}}"#

        private func list(_ manager: Manager) throws -> ResponseList {
            try manager.dtm("respond", "list", "--json").decode(ResponseList.self)
        }

        /// Applications beside the one that is attacked: at most a third of all may be in quarantine.
        private func company() throws -> [RecordingTarget] { try (0..<3).map { _ in try RecordingTarget() } }

        /// An identity that belongs to nobody (the user), who has a connection open with it; and the same in the hands of root.
        private struct Stolen {
            let openssl: OpenSSL
            let identity: Identity
            let spiffe: String
            let owner: OtherUser

            init(_ manager: Manager) throws {
                owner = try #require(OtherUser.nobody)
                openssl = OpenSSL(directory: manager.directory)
                (identity, spiffe) = try {
                    let (identity, answer) = try $0.identity("stolen", for: "redis", of: manager, user: $1)
                    return (identity, answer.identity)
                }(openssl, owner)
                owner.own(identity.keyPath, identity.certificatePath)
            }

            func visit(_ endpoint: Endpoint, user: OtherUser? = nil) throws -> OpenSSL.Visit {
                try openssl.visit(endpoint, identity.arguments, user: user)
            }

            /// Whether its owner gets as far as redis.
            func isServed(_ manager: Manager) throws -> Bool {
                String(decoding: try visit(manager.endpoint(of: "redis"), user: owner).received, as: UTF8.self)
                    .contains("PONG")
            }
        }

        /// Uses the identity as another user, again and again, until it is in quarantine.
        private func provoke(_ manager: Manager, with stolen: Stolen) throws -> ResponseList.Entry {
            try awaited("no quarantine", within: .seconds(90)) {
                _ = try stolen.visit(manager.endpoint(of: "redis"))
                return try list(manager).active.first { $0.rung == "quarantine" }
            }
        }

        @Test(
            "A misused identity is led up the ladder to a quarantine that cuts its connections, outlives kill -9 and can be undone"
        )
        func quarantine() throws {
            let sealed = try SealedHome()
            try sealed.directory.write("home/config.json", Self.configuration)
            let manager = try Manager(existing: sealed.directory, home: sealed.home, unlock: sealed.passphraseFile)
            manager.openDoors()
            let others = try company()
            let redis = try RedisServer(in: manager.directory)
            try manager.protect(
                redis.target, name: "redis", "--allow", "uid:0", "--allow", "uid:65534", "--interval", "3600")
            let stolen = try Stolen(manager)
            let open = try stolen.openssl.client(
                manager.endpoint(of: "redis"), stolen.identity.arguments, user: stolen.owner)
            open.send("PING\r\n")
            let isServed = eventually {
                String(decoding: contents(of: open.outputPath), as: UTF8.self).contains("PONG")
            }
            #expect(isServed, "\(open.errors)")
            let bystander = try Connection(manager, to: "redis")

            let response = try provoke(manager, with: stolen)
            #expect(response.subject == "identity:\(stolen.spiffe)" && response.expires != nil)
            #expect(open.wait(.seconds(10)) != nil, "a connection goes on in quarantine")
            #expect(try !stolen.isServed(manager))
            try bystander.socket().ping()
            let rungs = try manager.events().filter { $0.kind == Event.Kind.responsePerformed }
                .compactMap { event in event.detail["rung"].map { "\($0)" } }
            #expect(rungs == ["rotate", "raise-decoys", "throttle", "quarantine"], "\(rungs)")

            manager.killEverything()
            try manager.restart()
            manager.openDoors()
            let after = try awaited("the quarantine is gone after a restart") {
                try list(manager).active.first { $0.rung == "quarantine" && $0.state == "active" }
            }
            #expect(after.subject == response.subject && after.expires == response.expires)
            #expect(try !stolen.isServed(manager))

            let refused = try manager.dtm("respond", "undo", after.id, "--json")
            #expect(refused.status == 77, "\(refused)")
            let undone = try manager.dtm("respond", "undo", after.id, "--passphrase-file", sealed.passphraseFile)
            #expect(undone.status == 0, "\(undone.errors)")
            let isBack = try eventually { try stolen.isServed(manager) }
            #expect(isBack)
            withExtendedLifetime(others) {}
        }

        @Test("A program that touches decoys is proposed for its end, and ends by a person's approval alone")
        func stopped() throws {
            let manager = try Manager(Self.configuration)
            let others = try company()
            let redis = try RedisServer(in: manager.directory)
            try manager.protect(redis.target, name: "redis", "--interval", "3600")
            let nobody = try #require(OtherUser.nobody)
            let prober = try DecoyProber(in: manager, as: nobody)
            let proposal = try awaited("nothing was proposed", within: .seconds(150)) {
                if let found = try list(manager).pending.first(where: { $0.rung == "stop-application" }) {
                    return found
                }
                try prober.touchDecoy(of: "redis", manager)
                return nil
            }
            #expect(proposal.subject.hasPrefix("program:uid 65534 ") && proposal.subject.contains("python3"))
            #expect(
                prober.program.isRunning && !prober.program.output.contains("asked"),
                "nothing ends a program without a person")
            let approved = try manager.dtm("respond", "approve", proposal.id, "--json")
            #expect(approved.status == 0, "\(approved.errors)")
            #expect(eventually { prober.program.output.contains("asked") })
            #expect(prober.program.wait(.seconds(20)) == .signalled(SIGKILL))
            let events = try manager.events()
            #expect(events.contains { $0.kind == Event.Kind.responseApproved && $0.detail["uid"] == .integer(0) })
            withExtendedLifetime(others) {}
        }
    }
}
