import DTMCore
import DTMSecrets

@testable import DTMModels

func secret(_ text: String) throws -> SharedSecret {
    SharedSecret(try SecretBytes(count: text.utf8.count) { $0.copyBytes(from: Array(text.utf8)) })
}

/// The one key that tests send.
let testKey = "sk-test-CANARYKEY-0123456789"

func code(_ text: String) -> FindingCode? { FindingCode(text, among: ["decoy.touched", "identity.new"]) }

/// Two applications, one of them touched a decoy.
func brief(connections: Double = 12, risk: Int = 20) -> AnalysisBrief {
    AnalysisBrief(applications: [
        ApplicationBrief(
            pseudonym: Pseudonym(number: 3), tier: .fronted, risk: risk,
            features: [.connectionsPerMinute: connections, .bytesOutPerMinute: 48_000],
            usual: [.connectionsPerMinute: 11],
            findings: code("decoy.touched").map { [FindingNote(code: $0, risk: 85, count: 3)] } ?? []),
        ApplicationBrief(pseudonym: Pseudonym(number: 7), tier: .isolated, features: [.threads: 4]),
    ])
}

/// An answer that holds for ``brief(connections:risk:)``.
let goodAnswer = #"""
    {"overall": "One application is odd.", "applications": [{"id": "app-3", "verdict": "suspicious", "attention": 64, \#
    "summary": "Somebody looks around.", "evidence": ["e1", "e3"], "recommendation": null}]}
    """#

func quoted(_ text: String) -> String { JSONWriter.quoted(text) }

/// A chat completion with this text in it.
func completion(_ text: String, finish: String = "stop", refusal: String = "null", tokens: Int = 900) -> [UInt8] {
    Array(
        """
        {"id": "x", "choices": [{"index": 0, "finish_reason": "\(finish)", "message": {"role": "assistant", \
        "content": \(quoted(text)), "refusal": \(refusal)}}], "usage": {"total_tokens": \(tokens)}}
        """.utf8)
}

let goodReply = ScriptedServer.Step.reply(status: 200, body: completion(goodAnswer))

func errorReply(
    _ status: Int, code: String = "", param: String = "null", message: String = "no",
    headers: [(String, String)] = []
) -> ScriptedServer.Step {
    let body = """
        {"error": {"message": \(quoted(message)), "type": "x", "param": \(param), "code": "\(code)"}}
        """
    return .reply(status: status, headers: headers, body: Array(body.utf8))
}

struct FixedKeys: ModelKeySupply {
    let secret: SharedSecret?
    func key(for endpoint: ModelEndpoint) async throws -> SharedSecret? { endpoint.key == .none ? nil : secret }
}

func endpoint(
    _ server: ScriptedServer, _ provider: ModelProvider = .openAICompatible, model: String = "local-model"
) throws -> ModelEndpoint {
    struct NoURL: Error {}
    guard let url = ModelURL("http://127.0.0.1:\(server.port)/v1") else { throw NoURL() }
    var endpoint = ModelEndpoint(provider: provider, url: url, model: model)
    endpoint.key = .kept
    endpoint.requestsPerMinute = 100
    endpoint.tokensPerMinute = 10_000_000
    return endpoint
}

/// Lends a panel over real sockets and a clock that waits for nothing.
func withPanel<Value>(
    _ endpoints: [ModelEndpoint], clock: TestClock = TestClock(), timeout: Duration = .seconds(20),
    isolation: isolated (any Actor)? = #isolation, _ body: (ModelPanel, TestClock) async throws -> Value
) async throws -> Value {
    let transport = HTTPTransport(timeouts: .init(connect: .seconds(5), whole: timeout))
    let panel = ModelPanel(
        settings: ModelSettings(models: endpoints), keys: FixedKeys(secret: try secret(testKey)), transport: transport,
        clock: clock, random: { 0 })
    let result: Result<Value, any Error>
    do { result = .success(try await body(panel, clock)) } catch { result = .failure(error) }
    await transport.shutdown()
    return try result.get()
}
