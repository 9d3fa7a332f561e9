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
    }
}
