import DTMAPI
import DTMCore
import DTMModels
import DTMSecrets
import Testing

extension BuiltProgram {
    /// Model analysts against a server of another make, in a process of its own.
    @Suite("26 models")
    struct Models {
        private let directory: TestDirectory
        private let server: ModelServer
        private let key = "sk-process-test-0123456789"

        init() throws {
            directory = try TestDirectory()
            server = try ModelServer(in: directory, key: key)
        }

        private func endpoint(_ url: String, keyFile: String) throws -> ModelEndpoint {
            var endpoint = ModelEndpoint(
                provider: .openAICompatible, url: try #require(ModelURL(url)), model: "local-model")
            endpoint.key = .file(path: keyFile)
            return endpoint
        }

        private func consult(_ endpoints: [ModelEndpoint]) async -> (outcome: PanelOutcome, health: [ProviderHealth]) {
            var book = PseudonymBook()
            let brief = AnalysisBrief(applications: [
                ApplicationBrief(
                    pseudonym: book.pseudonym(for: "/opt/CANARY/bin --password CANARY"), tier: .fronted, risk: 40,
                    features: [.connectionsPerMinute: 700, .bytesOutPerMinute: 2e9])
            ])
            let transport = HTTPTransport()
            let panel = ModelPanel(
                settings: ModelSettings(models: endpoints), keys: ModelKeyFiles(credentials: nil), transport: transport)
            let outcome = await panel.consult(brief)
            let health = await panel.health
            await transport.shutdown()
            return (outcome, health)
        }

        @Test("A server that starts, knows no schema and wants a key gives advice; nobody is told a name")
        func advice() async throws {
            let keyFile = try directory.write("key", key + "\n")
            let gone = try endpoint("http://127.0.0.1:1/v1", keyFile: keyFile)
            let (outcome, health) = await consult([gone, try endpoint(server.url, keyFile: keyFile)])
            #expect(outcome.failures.map(\.code) == [.unreachable])
            #expect(outcome.advice?.opinions.map(\.attention) == [100])
            #expect(health.last?.mode == "json_object" && health.last?.requestsToday == 3)
            let received = server.received
            #expect(!received.contains("CANARY") && received.contains("app-1"))
            // Once in each request's header, and nowhere else.
            #expect(received.split(separator: key, omittingEmptySubsequences: false).count == 4)
        }

        @Test("A wrong key is said to be wrong, and not repeated")
        func wrongKey() async throws {
            let keyFile = try directory.write("key", "sk-wrong-0123456789")
            let (outcome, _) = await consult([try endpoint(server.url, keyFile: keyFile)])
            #expect(outcome.advice == nil && outcome.failures.map(\.code) == [.unauthorized])
            #expect(!"\(outcome)".contains("sk-wrong") && server.program.isRunning)
        }

        @Test("A key file that others can read is not used")
        func exposedKey() async throws {
            let keyFile = try directory.write("key", key, mode: 0o644)
            let (outcome, _) = await consult([try endpoint(server.url, keyFile: keyFile)])
            #expect(outcome.failures.map(\.code) == [.noKey] && server.received.isEmpty)
        }

        private func configuration(_ keyFile: String) -> String {
            """
            {"analysis": {"enabled": true, "intervalSeconds": 1, "models": [{"provider": "openai-compatible", \
            "url": "\(server.url)", "model": "local-model", "keyFile": "\(keyFile)"}]}}
            """
        }

        /// A web server with something in its command line that is nobody's business.
        private func application(at port: UInt16, in directory: TestDirectory) throws -> ChildProgram {
            let code =
                "import http.server as h; h.HTTPServer(('127.0.0.1', \(port)), h.SimpleHTTPRequestHandler).serve_forever()"
            let program = try ChildProgram(
                .init(
                    program: "python3", arguments: ["-c", code, "--password=CANARY-ARGUMENT"],
                    environment: basicEnvironment, directory: directory.path))
            try awaitPort(port, program)
            return program
        }

        @Test(
            "Advice shows beside what is known; names stay here, keys and arguments are in no log, and nothing is done")
        func manager() async throws {
            let keyFile = try directory.write("key", key + "\n")
            let manager = try Manager(configuration(keyFile))
            let port = try HeldPort.free()
            let target = try application(at: port, in: manager.directory)
            try manager.protect("127.0.0.1:\(port)", name: "canary-tunnel")
            try manager.event("model.attention", within: .seconds(30))
            let report = try manager.dtm("analyze", "canary-tunnel", "--json").decode(AnalysisReport.self)
            #expect(report.opinions?.map(\.summary) == ["Stop everything."])
            #expect(report.opinions?.first?.verdict == "malicious" && report.risk == 0)
            #expect(report.findings.map(\.verdict) == ["suspicious"] && report.findings.map(\.source) == ["model"])
            #expect(try manager.dtm("findings").status == 0)
            let responses = try manager.dtm("respond", "list", "--json").decode(ResponseList.self)
            #expect(responses.active.isEmpty && responses.pending.isEmpty)
            let model = try #require(try manager.status().models?.first)
            #expect(model.state == "ready" && model.mode == "json_object" && model.requestsToday == 3)
            #expect(try manager.dtm("status").output.contains("openai-compatible local-model at 127.0.0.1: ready"))

            let shown = try manager.dtm("analyze", "--show-prompt")
            let last = try #require(server.bodies.last)
            #expect(shown.status == 0 && shown.output.contains("\n\(last)\n"), "\(shown.output) is not \(last)")
            let received = server.received.lowercased()
            #expect(received.contains("app-1"))
            for text in ["canary", "python", manager.home.lowercased(), "\(port)"] {
                #expect(!received.contains(text), "\(text)")
            }
            let log = text(of: "\(manager.home)/logs/dtm.json")
            #expect(log.contains("model.attention"))
            for text in [key, "CANARY-ARGUMENT"] {
                #expect(!log.contains(text) && !shown.output.contains(text), "\(text)")
            }
            #expect(manager.stop() == .exited(0) && target.isRunning)
        }

        @Test("A provider's key in the configuration is told of, held in protected memory, and in no log")
        func keyInFile() throws {
            let manager = try Manager(#"{"openai_api_key": "\#(key)"}"#)
            try manager.event("model.key_in_file")
            let model = try #require(try manager.status().models?.first)
            #expect(model.name.hasPrefix("openai ") && model.host == "api.openai.com" && model.requestsToday == 0)
            #expect(!text(of: "\(manager.home)/logs/dtm.json").contains(key))
            #expect(try !manager.dtm("analyze", "--show-prompt").output.contains(key))
        }

        @Test("Without models nothing is sent and nothing said of any")
        func none() throws {
            let manager = try Manager(#"{"analysis": {"enabled": true, "intervalSeconds": 1}}"#)
            #expect(try manager.status().models == [])
            #expect(try manager.dtm("analyze", "--show-prompt").output.hasPrefix("Nothing is sent"))
            guard let nobody = OtherUser.nobody else { return }
            manager.openDoors()
            #expect(try manager.dtm("analyze", "--show-prompt", user: nobody).status == 77)
            let told = try manager.dtm("status", "--json", user: nobody).decode(StatusReport.self)
            #expect(told.models == nil && told.notifications == nil)
        }
    }
}
