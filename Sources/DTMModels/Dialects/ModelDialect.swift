import DTMCore

/// What a model is asked, whatever the provider's words for it.
struct ModelRequest: Sendable {
    var model: String
    var prompt: ModelPrompt
    var plan: RequestPlan
    var temperature: Double?
    var maximumTokens: Int

    /// The temperature, unless the model refuses it.
    var allowedTemperature: Double? { plan.dropped.contains(.temperature) ? nil : temperature }
    /// The limit, unless the model refuses it.
    var allowedTokens: Int? { plan.dropped.contains(.tokenLimit) ? nil : maximumTokens }
}

/// What came back, whatever the provider's words for it.
struct ModelReply: Hashable, Sendable {
    enum Content: Hashable, Sendable {
        case text(String)
        /// Where the provider parses the answer itself.
        case node(JSONNode)
    }

    enum Outcome: Hashable, Sendable {
        case answer(Content)
        /// The model does not want to.
        case refusal
        /// The answer was longer than it may be.
        case truncated
        /// The provider holds the answer back.
        case filtered
    }

    var outcome: Outcome
    /// What the provider counts; nil when it does not say.
    var tokens: Int?
}

/// How one provider is asked, and how its replies read.
protocol ModelDialect: Sendable {
    /// Below the URL, with a slash at the beginning.
    var path: String { get }
    /// The header that holds the key, and what stands before the key in it.
    var keyHeader: (name: String, prefix: String) { get }
    /// Other headers.
    var headers: [(name: String, value: String)] { get }
    /// The ways to ask for an answer's form, the strictest first.
    var modes: [StructuredMode] { get }
    func body(_ request: ModelRequest) -> JSONNode
    /// - Throws: `AnswerReader.Objection` when it is no reply of the provider's.
    func reply(from node: JSONNode) throws(AnswerReader.Objection) -> ModelReply
}

extension ModelDialect {
    var keyHeader: (name: String, prefix: String) { ("Authorization", "Bearer ") }
    var headers: [(name: String, value: String)] { [] }
    var modes: [StructuredMode] { StructuredMode.allCases }
}

extension ModelProvider {
    var dialect: any ModelDialect {
        switch self {
        case .openAI, .openAICompatible: OpenAIChatDialect()
        case .openAIResponses: OpenAIResponsesDialect()
        case .ollama: OllamaDialect()
        case .anthropic: AnthropicDialect()
        }
    }
}

/// Looking into a provider's reply, which may have more keys than we know.
extension JSONNode {
    /// A member's value; nil when there is none, it is null, or this is no object.
    subscript(_ name: String) -> JSONNode? {
        guard case .object(let members) = kind, let value = members.first(where: { $0.name == name })?.value,
            value.kind != .null
        else { return nil }
        return value
    }

    var text: String? { if case .string(let text) = kind { text } else { nil } }
    var integer: Int? { if case .number(let number) = kind { number.integer } else { nil } }
    var elements: [JSONNode]? { if case .array(let elements) = kind { elements } else { nil } }

    /// Whether an object in it has a name twice, so that readers could differ about it. As deep as the parser goes.
    var hasRepeatedNames: Bool {
        switch kind {
        case .object(let members):
            Set(members.map(\.name)).count < members.count || members.contains { $0.value.hasRepeatedNames }
        case .array(let elements): elements.contains(where: \.hasRepeatedNames)
        default: false
        }
    }

    static func members(_ pairs: [(String, JSONNode?)]) -> JSONNode {
        .object(pairs.compactMap { name, value in value.map { (name, $0) } })
    }
}
