import DTMCore
import Testing

@testable import DTMModels

struct DialectTests {
    private func consult(
        _ provider: ModelProvider, _ body: String
    ) async throws -> (outcome: PanelOutcome, request: ScriptedServer.Request?) {
        try await ScriptedServer.run([.reply(status: 200, body: Array(body.utf8))]) { server in
            try await withPanel([endpoint(server, provider)]) { panel, _ in
                (await panel.consult(brief()), server.requests.first)
            }
        }
    }

    @Test func `OpenAI's responses are asked for and read`() async throws {
        let parts = #"{"type": "output_text", "text": \#(quoted(goodAnswer)), "annotations": []}"#
        let output = #"[{"type": "reasoning", "summary": []}, {"type": "message", "content": [\#(parts)]}]"#
        let (outcome, request) = try await consult(
            .openAIResponses, #"{"status": "completed", "output": \#(output), "usage": {"total_tokens": 7}}"#)
        #expect(outcome.advice?.opinions.count == 1)
        #expect(request?.head.hasPrefix("POST /v1/responses ") == true)
        #expect(request?.body.contains(#""store": false"#) == true)
        #expect(request?.body.contains(#""strict": true"#) == true)
    }

    @Test(
        "OpenAI's responses that are none say why",
        arguments: [
            (
                #"{"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": []}"#,
                ModelFailure.Code.truncated
            ),
            (#"{"status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "output": []}"#, .filtered),
            (#"{"status": "completed", "output": [{"type": "message", "content": [{"type": "refusal"}]}]}"#, .refused),
            (#"{"status": "failed", "output": []}"#, .malformed), (#"{"status": "completed"}"#, .malformed),
        ])
    func responses(body: String, expected: ModelFailure.Code) async throws {
        #expect(try await consult(.openAIResponses, body).outcome.failures.map(\.code) == [expected])
    }

    @Test func `Ollama is asked and read`() async throws {
        let (outcome, request) = try await consult(
            .ollama,
            #"{"message": {"content": \#(quoted(goodAnswer))}, "done": true, "done_reason": "stop", "eval_count": 3}"#)
        #expect(outcome.advice != nil)
        #expect(request?.head.hasPrefix("POST /v1/api/chat ") == true)
        #expect(request?.body.contains(#""num_predict": 2000"#) == true)
        let cut = try await consult(.ollama, #"{"message": {"content": "{"}, "done": true, "done_reason": "length"}"#)
        #expect(cut.outcome.failures.map(\.code) == [.truncated])
    }

    @Test func `Anthropic is asked by a tool and read`() async throws {
        let use = #"{"type": "tool_use", "id": "t", "name": "assessment", "input": \#(goodAnswer)}"#
        let (outcome, request) = try await consult(
            .anthropic, #"{"content": [{"type": "text", "text": "So:"}, \#(use)], "stop_reason": "tool_use"}"#)
        #expect(outcome.advice?.opinions.first?.verdict == .suspicious)
        #expect(request?.head.contains("x-api-key: \(testKey)\r\n") == true)
        #expect(request?.head.contains("anthropic-version: 2023-06-01\r\n") == true)
        #expect(request?.head.contains("Bearer") == false)
    }

    @Test(
        "Anthropic's messages that are no answer say why",
        arguments: [
            ("refusal", ModelFailure.Code.refused), ("max_tokens", .truncated), ("pause_turn", .malformed),
            ("tool_use", .malformed), ("end_turn", .malformed),
        ])
    func anthropic(reason: String, expected: ModelFailure.Code) async throws {
        let body = #"{"content": [], "stop_reason": "\#(reason)"}"#
        #expect(try await consult(.anthropic, body).outcome.failures.map(\.code) == [expected])
    }

    @Test func `The schema keeps to the subset that all strict modes take`() {
        func check(_ node: JSONNode, level: Int) {
            #expect(level <= 5)
            guard case .object(let members) = node.kind else { return }
            let allowed = ["type", "properties", "required", "additionalProperties", "items", "enum"]
            #expect(members.allSatisfy { allowed.contains($0.name) })
            if case .object(let properties)? = node["properties"]?.kind {
                #expect(node["additionalProperties"]?.kind == .boolean(false))
                #expect(node["required"]?.elements?.compactMap(\.text) == properties.map(\.name))
                for property in properties { check(property.value, level: level + 1) }
            }
            if let items = node["items"] { check(items, level: level + 1) }
        }
        #expect(AnswerSchema.node["type"]?.text == "object")
        check(AnswerSchema.node, level: 1)
    }
}
