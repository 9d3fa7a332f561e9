import DTMCore

/// Anthropic's messages (`POST /messages`). The answer's form is asked for as a tool that has to be used.
struct AnthropicDialect: ModelDialect {
    let path = "/messages"
    let modes: [StructuredMode] = [.schema, .promptOnly]
    var keyHeader: (name: String, prefix: String) { ("x-api-key", "") }
    var headers: [(name: String, value: String)] { [("anthropic-version", "2023-06-01")] }

    func body(_ request: ModelRequest) -> JSONNode {
        let usesTool = request.plan.mode == .schema
        return .members([
            ("model", .string(request.model)),
            ("system", .string(request.prompt.instructions)),
            ("messages", .array([OpenAIChatDialect.message("user", request.prompt.question)])),
            ("tools", usesTool ? .array([Self.tool]) : nil),
            (
                "tool_choice",
                usesTool ? .object([("type", .string("tool")), ("name", .string(AnswerSchema.name))]) : nil
            ),
            ("temperature", request.allowedTemperature.map { JSONNode.number(min($0, 1)) }),
            // The one parameter that it does not do without.
            ("max_tokens", .number(request.maximumTokens)),
        ])
    }

    private static let tool = JSONNode.object([
        ("name", .string(AnswerSchema.name)), ("description", .string("Gives the answer.")),
        ("input_schema", AnswerSchema.node),
    ])

    func reply(from node: JSONNode) throws(AnswerReader.Objection) -> ModelReply {
        let counts = [node["usage"]?["input_tokens"]?.integer, node["usage"]?["output_tokens"]?.integer]
        let known = counts.compactMap { $0 }
        let tokens = known.isEmpty ? nil : known.reduce(0) { $0.addingReportingOverflow($1).partialValue }
        return ModelReply(outcome: try Self.outcome(node), tokens: tokens)
    }

    private static func outcome(_ node: JSONNode) throws(AnswerReader.Objection) -> ModelReply.Outcome {
        let blocks = node["content"]?.elements ?? []
        switch node["stop_reason"]?.text {
        case "refusal": return .refusal
        case "max_tokens", "model_context_window_exceeded": return .truncated
        case "tool_use":
            let uses = blocks.filter { $0["type"]?.text == "tool_use" }
            guard uses.count == 1, uses[0]["name"]?.text == AnswerSchema.name, let input = uses[0]["input"] else {
                throw .init("a message uses the one tool once")
            }
            return .answer(.node(input))
        case "end_turn":
            let texts = blocks.filter { $0["type"]?.text == "text" }
            guard texts.count == 1, let text = texts[0]["text"]?.text else { throw .init("a message has one text") }
            return .answer(.text(text))
        default: throw .init("a message ends with tool_use, end_turn, max_tokens or refusal")
        }
    }
}
