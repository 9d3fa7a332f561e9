import DTMCore

/// What is known of models by their names, so that a first request has a good chance. What is wrong or missing here is
/// learned from the provider's answers: a parameter that it names as unsupported is left out from then on.
///
/// OpenAI, "Deprecations" and "Reasoning models" (developers.openai.com/api/docs), read November 2026.
enum ModelTable {
    /// What an old name stands for at its provider: the successors, in the order in which they are tried. No single
    /// name is relied on, for each of them ends one day as well.
    static func successors(of model: String, at provider: ModelProvider) -> [String] {
        guard provider == .openAI || provider == .openAIResponses else { return [model] }
        switch model {
        case "gpt-4": return ["gpt-5.6-sol", "gpt-6.1-sol", "gpt-6-luna", "gpt-4"]
        default: return [model]
        }
    }

    /// How a model is asked first.
    static func plan(for model: String, at provider: ModelProvider) -> RequestPlan {
        var plan = RequestPlan(mode: .schema)
        switch provider {
        case .openAI, .openAIResponses:
            plan.tokenLimit = .maximumCompletionTokens
            if isReasoning(model) { plan.dropped = [.temperature] }
            if model.hasPrefix("gpt-4-turbo") || model.hasPrefix("gpt-3.5") { plan.mode = .object }
        case .openAICompatible, .ollama, .anthropic: plan.tokenLimit = .maximumTokens
        }
        return plan
    }

    /// The families that refuse a temperature.
    private static func isReasoning(_ model: String) -> Bool {
        ["o1", "o3", "o4", "gpt-5", "gpt-6"].contains { model.hasPrefix($0) }
    }
}

/// How an answer's form is asked for, the strictest first.
enum StructuredMode: Int, Hashable, Sendable, CaseIterable {
    case schema, object, promptOnly

    var name: String {
        switch self {
        case .schema: "json_schema"
        case .object: "json_object"
        case .promptOnly: "prompt"
        }
    }
}

/// A parameter that a model may refuse.
enum OptionalParameter: Hashable, Sendable, CaseIterable {
    case temperature, tokenLimit
}

/// How a model is asked: what the table says and its answers have taught. Remembered for each (URL, model).
struct RequestPlan: Hashable, Sendable {
    enum TokenLimitName: Hashable, Sendable {
        case maximumTokens, maximumCompletionTokens
    }

    var mode: StructuredMode
    var dropped: Set<OptionalParameter> = []
    var tokenLimit = TokenLimitName.maximumTokens
    /// Whether an answer came this way.
    var isConfirmed = false
}
