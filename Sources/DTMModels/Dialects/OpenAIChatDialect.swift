import DTMCore

/// OpenAI's chat completions, which many servers speak (`POST /chat/completions`).
struct OpenAIChatDialect: ModelDialect {
    let path = "/chat/completions"

    func body(_ request: ModelRequest) -> JSONNode {
        let limit = request.plan.tokenLimit == .maximumTokens ? "max_tokens" : "max_completion_tokens"
        return .members([
            ("model", .string(request.model)),
            (
                "messages",
                .array([
                    Self.message("system", request.prompt.instructions), Self.message("user", request.prompt.question),
                ])
            ),
            ("response_format", Self.format(request.plan.mode)),
            ("temperature", request.allowedTemperature.map(JSONNode.number)),
            (limit, request.allowedTokens.map(JSONNode.number)),
            ("stream", .boolean(false)),
        ])
    }

    static func message(_ role: String, _ text: String) -> JSONNode {
        .object([("role", .string(role)), ("content", .string(text))])
    }

    private static func format(_ mode: StructuredMode) -> JSONNode? {
        switch mode {
        case .schema:
            .object([
                ("type", .string("json_schema")),
                (
                    "json_schema",
                    .object([
                        ("name", .string(AnswerSchema.name)), ("strict", .boolean(true)),
                        ("schema", AnswerSchema.node),
                    ])
                ),
            ])
        case .object: .object([("type", .string("json_object"))])
        case .promptOnly: nil
        }
    }

    func reply(from node: JSONNode) throws(AnswerReader.Objection) -> ModelReply {
        guard let choices = node["choices"]?.elements, choices.count == 1, let message = choices[0]["message"] else {
            throw .init("a chat completion has one choice with a message")
        }
        return ModelReply(
            outcome: try Self.outcome(message, choices[0]["finish_reason"]?.text),
            tokens: node["usage"]?["total_tokens"]?.integer)
    }

    private static func outcome(
        _ message: JSONNode, _ finish: String?
    ) throws(AnswerReader.Objection) -> ModelReply.Outcome {
        if let refusal = message["refusal"]?.text, !refusal.isEmpty { return .refusal }
        switch finish {
        case "length": return .truncated
        case "content_filter": return .filtered
        case "stop":
            guard let text = message["content"]?.text else { throw .init("a chat completion has a text") }
            return .answer(.text(text))
        default: throw .init("a chat completion ends with stop, length or content_filter")
        }
    }
}
