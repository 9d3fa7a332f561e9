import DTMCore

/// OpenAI's responses (`POST /responses`). Nothing is stored at the provider.
struct OpenAIResponsesDialect: ModelDialect {
    let path = "/responses"

    func body(_ request: ModelRequest) -> JSONNode {
        .members([
            ("model", .string(request.model)),
            ("instructions", .string(request.prompt.instructions)),
            ("input", .string(request.prompt.question)),
            ("text", Self.format(request.plan.mode).map { .object([("format", $0)]) }),
            ("temperature", request.allowedTemperature.map(JSONNode.number)),
            ("max_output_tokens", request.allowedTokens.map(JSONNode.number)),
            ("store", .boolean(false)),
        ])
    }

    private static func format(_ mode: StructuredMode) -> JSONNode? {
        switch mode {
        case .schema:
            .object([
                ("type", .string("json_schema")), ("name", .string(AnswerSchema.name)), ("strict", .boolean(true)),
                ("schema", AnswerSchema.node),
            ])
        case .object: .object([("type", .string("json_object"))])
        case .promptOnly: nil
        }
    }

    func reply(from node: JSONNode) throws(AnswerReader.Objection) -> ModelReply {
        ModelReply(outcome: try Self.outcome(node), tokens: node["usage"]?["total_tokens"]?.integer)
    }

    private static func outcome(_ node: JSONNode) throws(AnswerReader.Objection) -> ModelReply.Outcome {
        let parts = (node["output"]?.elements ?? [])
            .filter { $0["type"]?.text == "message" }
            .flatMap { $0["content"]?.elements ?? [] }
        if parts.contains(where: { $0["type"]?.text == "refusal" }) { return .refusal }
        switch (node["status"]?.text, node["incomplete_details"]?["reason"]?.text) {
        case ("incomplete", "max_output_tokens"): return .truncated
        case ("incomplete", "content_filter"): return .filtered
        case ("completed", _):
            guard parts.count == 1, parts[0]["type"]?.text == "output_text", let text = parts[0]["text"]?.text else {
                throw .init("a response has one text")
            }
            return .answer(.text(text))
        default: throw .init("a response is completed, or says why not")
        }
    }
}
