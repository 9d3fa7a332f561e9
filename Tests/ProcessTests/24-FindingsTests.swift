import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// What strangers do becomes findings that name them.
    @Suite("24 findings")
    struct Findings {
        let manager: Manager
        let redis: RedisServer
        let endpoint: Endpoint

        init() throws {
            manager = try Manager(#"{"timeouts": {"handshakeSeconds": 1}}"#)
            redis = try RedisServer(in: manager.directory)
            try manager.protect(redis.target, name: "redis", "--interval", "3600", "--overlap", "60")
            endpoint = try manager.endpoint(of: "redis")
        }

        private func list() throws -> FindingList {
            let outcome = try manager.dtm("findings", "--json")
            try #require([0, 2].contains(outcome.status), "findings: \(outcome.errors)")
            return try outcome.decode(FindingList.self)
        }

        private func finding(_ code: String) throws -> FindingReport {
            var seen: [FindingReport] = []
            return try awaited("no finding \(code)") {
                seen = try list().findings
                return seen.first { $0.code == code }
            }
        }

        /// Another user's program that connects, says something that is no TLS, and stays.
        private func knock(_ host: String, _ port: UInt16, as user: OtherUser) throws -> ChildProgram {
            let script = "exec 3<>/dev/tcp/\(host)/\(port); echo hello >&3; read -t 30 line"
            let command = user.prefix + ["bash", "-c", script]
            return try ChildProgram(
                .init(
                    program: command[0], arguments: Array(command.dropFirst()), environment: basicEnvironment,
                    directory: manager.directory.path, hasInput: true))
        }

        private func expect(_ finding: FindingReport, names user: OtherUser) {
            #expect(finding.subject?.contains("uid \(user.uid)") == true)
            #expect(finding.evidence.contains { $0.hasPrefix("uid \(user.uid)") }, "\(finding.evidence)")
            #expect(
                finding.evidence.contains { $0.hasPrefix("executable ") && $0.contains("bash") },
                "\(finding.evidence)")
        }

        @Test("A manager that only serves finds nothing, and says so with status 0")
        func quiet() throws {
            let socket = try Connection(manager, to: "redis").socket()
            try socket.ping()
            let list = try list()
            #expect(list.available && list.findings.allSatisfy { $0.risk < 40 } && (list.risk?.machine ?? 100) < 40)
            let outcome = try manager.dtm("findings")
            #expect(outcome.status == 0 && outcome.output.contains("Risk of this machine"))
        }

        @Test("Another user who knocks at the live endpoint without a certificate is named with his program")
        func probed() throws {
            let nobody = try #require(OtherUser.nobody, "only root can become somebody else")
            let client = try knock(endpoint.address.description, endpoint.port, as: nobody)
            let finding = try finding("endpoint.probed")
            #expect(finding.tunnel == "redis" && finding.risk >= 40 && finding.source == "rule")
            expect(finding, names: nobody)
            client.closeInput()
        }

        /// Somebody tries what listens there, one after another and no endpoint among it, until he is found out.
        private func foundAtDecoy(as user: OtherUser) throws -> FindingReport {
            var clients: [ChildProgram] = []
            defer { for client in clients { client.closeInput() } }
            return try awaited("no finding about a decoy", within: .seconds(40)) {
                if let found = try list().findings.first(where: { $0.code == "decoy.touched" }) { return found }
                let tunnels = try manager.dtm("tunnels", "--json").decode(TunnelList.self).tunnels
                let served = tunnels.flatMap { tunnel in
                    [tunnel.endpoint].compactMap(\.self).map { "\($0.host):\($0.port)" }
                        + tunnel.previous.map { "\($0.host):\($0.port)" }
                }
                let decoys = try manager.apps().apps.filter { $0.name == "dtm-dataplane" }.flatMap(\.listeners)
                    .filter { $0.address.hasPrefix("127.") && !served.contains("\($0.address):\($0.port)") }
                if clients.count < 20, let decoy = decoys.randomElement() {
                    clients.append(try knock(decoy.address, decoy.port, as: user))
                }
                return nil
            }
        }

        @Test("Another user who touches a decoy is an alarm with his program, and the exit status says it")
        func decoy() throws {
            let nobody = try #require(OtherUser.nobody, "only root can become somebody else")
            let finding = try foundAtDecoy(as: nobody)
            #expect(finding.risk >= 70 && finding.verdict == "threat" && finding.tunnel == "redis")
            expect(finding, names: nobody)
            let events = try manager.events()
            let touched = try #require(events.first { $0.kind == Event.Kind.decoyTouched })
            let raised = try #require(
                events.first { $0.kind == Event.Kind.findingRaised && $0.detail["id"] == .string(finding.id) })
            let moments = [touched, raised].compactMap { Timestamp(rfc3339: $0.time) }
            print("the finding was raised \(moments[1] - moments[0]) after the touch")
            #expect(try manager.dtm("findings").status == 2)
            #expect(try manager.dtm("findings", finding.id).output.contains("wrong when"))
            let dismissed = try manager.dtm("findings", finding.id, "--dismiss")
            #expect(dismissed.status == 0, "\(dismissed.errors)")
            #expect(try !list().findings.contains { $0.id == finding.id })
            try manager.event(Event.Kind.findingDismissed)
        }

        @Test("A certificate of a foreign authority is found as such")
        func foreign() throws {
            let openssl = OpenSSL(directory: manager.directory)
            let (_, answer) = try openssl.identity("guest", for: "redis", of: manager)
            let foreign = try openssl.foreignIdentity("foreign", spiffe: answer.identity)
            _ = try openssl.visit(endpoint, foreign.arguments)
            let finding = try finding("certificate.foreign")
            #expect(finding.tunnel == "redis" && finding.evidence.contains("cause foreign"), "\(finding.evidence)")
        }

        @Test("A direct connection to the application is found, with its program")
        func bypass() throws {
            let client = try ChildProgram(
                .init(
                    program: "redis-cli", arguments: ["-p", "\(redis.port)", "BLPOP", "never", "60"],
                    environment: basicEnvironment, directory: manager.directory.path))
            let finding = try finding("tunnel.bypassed")
            #expect(finding.evidence.contains { $0.contains("redis-cli") }, "\(finding.evidence)")
            #expect(finding.evidence.contains("pid \(client.pid)"))
        }
    }
}
