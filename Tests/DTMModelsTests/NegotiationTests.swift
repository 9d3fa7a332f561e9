import DTMCore
import Testing

@testable import DTMModels

struct NegotiationTests {
    private static let schema = "\"json_schema\""
    private static let object = "\"json_object\""

    /// A server that takes no form above `mode`, and says so with `complaint`.
    private func server(taking mode: StructuredMode, _ complaint: ScriptedServer.Step) -> ScriptedServer.Step {
        .decide { request in
            let asked: StructuredMode =
                request.body.contains(Self.schema)
                ? .schema : request.body.contains(Self.object) ? .object : .promptOnly
            return asked.rawValue < mode.rawValue ? complaint : goodReply
        }
    }

    @Test("The form of the answer is negotiated once and remembered", arguments: StructuredMode.allCases)
    func remembered(mode: StructuredMode) async throws {
        let complaint = errorReply(400, param: "\"response_format\"", message: "Invalid value for 'response_format'")
        try await ScriptedServer.run([server(taking: mode, complaint)]) { server in
            try await withPanel([endpoint(server)]) { panel, clock in
                #expect(await panel.consult(brief()).advice != nil)
                #expect(server.requests.count == mode.rawValue + 1 && clock.sleeps == [])
                #expect(await panel.consult(brief(connections: 4_000)).advice != nil)
                #expect(server.requests.count == mode.rawValue + 2)
                #expect(await panel.health.map(\.mode) == [mode.name])
            }
        }
    }

    @Test func `A server that answers a form it does not know with a plain 500 is found out`() async throws {
        try await ScriptedServer.run([server(taking: .promptOnly, .reply(status: 500, body: []))]) { server in
            try await withPanel([endpoint(server)]) { panel, _ in
                #expect(await panel.consult(brief()).advice != nil)
                #expect(server.requests.count == 5)
                #expect(await panel.consult(brief(connections: 4_000)).advice != nil)
                #expect(server.requests.count == 6)
            }
        }
    }

    @Test func `A 500 after an answer is trouble, not a question of form`() async throws {
        try await ScriptedServer.run([goodReply, .reply(status: 500, body: [])]) { server in
            try await withPanel([endpoint(server)]) { panel, _ in
                #expect(await panel.consult(brief()).advice != nil)
                #expect(await panel.consult(brief(connections: 4_000)).advice == nil)
                #expect(server.requests.count == 4)
                #expect(await panel.health.map(\.mode) == ["json_schema"])
            }
        }
    }

    @Test func `A parameter that is named as unsupported is left out from then on`() async throws {
        let picky = ScriptedServer.Step.decide { request in
            if request.body.contains("\"temperature\"") {
                return errorReply(
                    400, code: "unsupported_value", param: "\"temperature\"",
                    message: "does not support 0 with this model")
            }
            if request.body.contains("\"max_tokens\"") {
                return errorReply(
                    400, code: "unsupported_parameter", param: "\"max_tokens\"",
                    message: "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
            }
            return goodReply
        }
        try await ScriptedServer.run([picky]) { server in
            try await withPanel([endpoint(server)]) { panel, clock in
                #expect(await panel.consult(brief()).advice != nil)
                #expect(server.requests.count == 3 && clock.sleeps == [])
                #expect(server.requests.last?.body.contains("\"max_completion_tokens\": 2000") == true)
                #expect(await panel.consult(brief(connections: 4_000)).advice != nil)
                #expect(server.requests.count == 4)
            }
        }
    }

    @Test func `A provider that names one parameter for ever is not asked for ever`() async throws {
        let stubborn = errorReply(400, code: "unsupported_value", param: "\"temperature\"")
        try await ScriptedServer.run([stubborn]) { server in
            try await withPanel([endpoint(server)]) { panel, _ in
                #expect(await panel.consult(brief()).failures.map(\.code) == [.rejected])
                #expect(server.requests.count == 2)
            }
        }
    }

    @Test func `gpt-4 is asked for by the names that took its place, one after the other`() async throws {
        let lacking = ScriptedServer.Step.decide { request in
            request.body.contains("gpt-6-luna")
                ? goodReply : errorReply(404, code: "model_not_found", message: "The model does not exist")
        }
        try await ScriptedServer.run([lacking]) { server in
            try await withPanel([endpoint(server, .openAI, model: "gpt-4")]) { panel, _ in
                #expect(await panel.consult(brief()).advice?.source.model == "gpt-6-luna")
                // These refuse a temperature, which the table knows.
                #expect(server.requests.allSatisfy { !$0.body.contains("temperature") })
                #expect(server.requests.count == 3)
                #expect(await panel.health.map(\.model) == ["gpt-6-luna"])
            }
        }
    }

    @Test func `A model that nobody has is said to be unknown`() async throws {
        try await ScriptedServer.run([errorReply(404, code: "model_not_found")]) { server in
            try await withPanel([endpoint(server, .openAI, model: "gpt-4")]) { panel, _ in
                #expect(await panel.consult(brief()).failures.map(\.code) == [.modelUnknown])
                #expect(server.requests.count == 4)
            }
        }
    }
}
