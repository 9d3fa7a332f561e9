import DTMCore

/// What a provider's error says, as far as it changes what is done. Its words stay here.
struct ProviderComplaint {
    private let code: String
    private let parameter: String
    private let words: String

    /// Reads `{"error": {"message", "type", "param", "code"}}` and `{"error": "message"}`; anything else says nothing.
    init(_ body: [UInt8]) {
        let root = try? AnswerReader.parse(body)
        let error = root?["error"]
        code = [error?["code"]?.text, error?["type"]?.text, root?["code"]?.text].compactMap { $0 }
            .joined(separator: " ").lowercased()
        parameter = error?["param"]?.text?.lowercased() ?? ""
        words = (error?["message"]?.text ?? error?.text ?? root?["message"]?.text ?? "").lowercased()
    }

    /// The account is spent: asking again does not help.
    var isQuota: Bool {
        ["insufficient_quota", "billing_hard_limit_reached", "billing_error"].contains { code.contains($0) }
    }

    /// The model does not exist there, or not for this key.
    var isModelUnknown: Bool {
        code.contains("model_not_found") || parameter == "model"
            || (words.contains("model")
                && ["not found", "does not exist", "deprecated"].contains { words.contains($0) })
    }

    /// The way in which the answer's form was asked for is not understood.
    var isAboutFormat: Bool {
        ["response_format", "json_schema", "text.format", "tool_choice", "tools", "format", "schema"]
            .contains { parameter.hasPrefix($0) }
            || [
                "response_format", "json_schema", "json schema", "text.format", "tool_choice", "`tools`", "'tools'",
                "invalid format",
            ].contains { words.contains($0) }
    }

    /// The parameter that is not taken.
    var refused: OptionalParameter? {
        if names("temperature") { return .temperature }
        return ["max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict"].contains(where: names)
            ? .tokenLimit : nil
    }

    /// Whether `max_completion_tokens` is what it wants.
    var wantsCompletionTokens: Bool {
        parameter == "max_tokens" || (parameter.isEmpty && words.contains("max_completion_tokens"))
    }

    private func names(_ name: String) -> Bool { parameter == name || (parameter.isEmpty && words.contains(name)) }
}
