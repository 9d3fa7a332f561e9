import DTMCore

/// Ollama's chat (`POST /api/chat`).
struct OllamaDialect: ModelDialect {
    let path = "/api/chat"

    func body(_ request: ModelRequest) -> JSONNode {
        .members([
            ("model", .string(request.model)),
            (
                "messages",
                .array([
                    OpenAIChatDialect.message("system", request.prompt.instructions),
                    OpenAIChatDialect.message("user", request.prompt.question),
                ])
            ),
            ("format", Self.format(request.plan.mode)),
            (
                "options",
                .members([
                    ("temperature", request.allowedTemperature.map(JSONNode.number)),
                    ("num_predict", request.allowedTokens.map(JSONNode.number)),
                ])
            ),
            ("stream", .boolean(false)),
        ])
    }

    private static func format(_ mode: StructuredMode) -> JSONNode? {
        switch mode {
        case .schema: AnswerSchema.node
        case .object: .string("json")
        case .promptOnly: nil
        }
    }

    func reply(from node: JSONNode) throws(AnswerReader.Objection) -> ModelReply {
        let counts = [node["prompt_eval_count"]?.integer, node["eval_count"]?.integer].compactMap { $0 }
        let tokens = counts.isEmpty ? nil : counts.reduce(0) { $0.addingReportingOverflow($1).partialValue }
        return ModelReply(outcome: try Self.outcome(node), tokens: tokens)
    }

    private static func outcome(_ node: JSONNode) throws(AnswerReader.Objection) -> ModelReply.Outcome {
        guard node["done"]?.kind == .boolean(true) else { throw .init("a chat is done") }
        switch node["done_reason"]?.text {
        case "length": return .truncated
        case "stop":
            guard let text = node["message"]?["content"]?.text else { throw .init("a chat has a text") }
            return .answer(.text(text))
        default: throw .init("a chat ends with stop or length")
        }
    }
}
