import DTMCore
import Testing

@testable import DTMModels

/// Canaries in everything that is around an application appear in nothing that leaves the host, nor in what is kept,
/// shown or said of it.
struct PrivacyTests {
    private static let canary = "CANARY"

    /// The only way from an application's name into a brief.
    private func brief() -> AnalysisBrief {
        var book = PseudonymBook()
        let names = [
            "/opt/CANARY-file/bin/CANARY --password=CANARY", "CANARY=1 env", "CN=CANARY,O=CANARY", "host-CANARY",
        ]
        return AnalysisBrief(
            applications: names.map { name in
                ApplicationBrief(
                    pseudonym: book.pseudonym(for: name), tier: .fronted, features: [.threads: 3],
                    findings: FindingCode(name, among: ["decoy.touched"]).map { [FindingNote(code: $0, risk: 1)] } ?? []
                )
            })
    }

    @Test(
        "No canary leaves, and the key leaves in its header alone",
        arguments: ModelProvider.allCases)
    func outgoing(provider: ModelProvider) async throws {
        let hostile = #"{"error": {"message": "CANARYPEER \#(testKey)", "code": "CANARYPEER", "param": "CANARYPEER"}}"#
        try await ScriptedServer.run([.reply(status: 400, body: Array(hostile.utf8))]) { server in
            try await withPanel([endpoint(server, provider)]) { panel, _ in
                let shown = await panel.showPrompt(for: brief())
                let outcome = await panel.consult(brief())
                let health = await panel.health
                #expect(server.requests.count == 1)
                for request in server.requests {
                    let lines = request.head.split(separator: "\r\n")
                    let key = lines.filter { $0.contains(testKey) }
                    #expect(key.count == 1 && !request.body.contains(testKey) && !request.body.contains(Self.canary))
                    #expect(lines.allSatisfy { key.contains($0) || !$0.contains(Self.canary) })
                }
                for text in ["\(shown)", "\(outcome)", "\(health)", "\(outcome.failures.map(\.message))"] {
                    #expect(!text.contains(Self.canary), "\(text)")
                }
            }
        }
    }

    @Test func `No failure of any kind repeats what a provider sent`() async throws {
        let replies: [ScriptedServer.Step] = [
            .reply(status: 200, body: completion("CANARY")),
            .reply(status: 200, body: completion(goodAnswer.replacing("suspicious", with: "CANARY"))),
            .reply(status: 200, body: completion(goodAnswer.replacing("\"id\"", with: "\"CANARY\""))),
            .reply(status: 200, headers: [("Content-Type", "CANARY/CANARY")], body: Array("CANARY".utf8)),
            .reply(status: 302, headers: [("Location", "http://CANARY/")], body: []),
            .reply(status: 401, body: Array(#"{"error": "CANARY"}"#.utf8)), .raw(Array("CANARY\r\n\r\n".utf8)),
            .reply(status: 429, headers: [("retry-after", "CANARY")], body: []),
        ]
        for reply in replies {
            try await ScriptedServer.run([reply]) { server in
                try await withPanel([endpoint(server)]) { panel, _ in
                    let outcome = await panel.consult(brief())
                    #expect(outcome.advice == nil && !"\(outcome)".contains(Self.canary), "\(outcome)")
                    #expect(await !"\(panel.health)".contains(Self.canary))
                }
            }
        }
    }

    @Test func `The environment does not send requests through a proxy`() async throws {
        try await ScriptedServer.run([goodReply]) { server in
            try await withPanel([endpoint(server)]) { panel, _ in
                _ = await panel.consult(brief())
                #expect(server.requests.first?.head.hasPrefix("POST /v1/") == true)
            }
        }
    }
}
