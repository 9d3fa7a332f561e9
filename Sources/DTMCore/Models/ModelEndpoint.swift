/// Who speaks which protocol.
public enum ModelProvider: String, Hashable, Sendable, CaseIterable, Codable {
    /// OpenAI, chat completions.
    case openAI = "openai"
    /// OpenAI, responses.
    case openAIResponses = "openai-responses"
    /// Whatever speaks OpenAI's chat completions.
    case openAICompatible = "openai-compatible"
    case ollama
    /// Anthropic, messages.
    case anthropic

    /// Where its API is, unless somebody says otherwise; nil where that has to be said.
    public var standardURL: ModelURL? {
        switch self {
        case .openAI, .openAIResponses: ModelURL("https://api.openai.com/v1")
        case .openAICompatible: nil
        case .ollama: ModelURL("http://127.0.0.1:11434")
        case .anthropic: ModelURL("https://api.anthropic.com/v1")
        }
    }

    /// Whether it answers nobody without a key.
    public var needsKey: Bool {
        switch self {
        case .openAI, .openAIResponses, .anthropic: true
        case .openAICompatible, .ollama: false
        }
    }
}

/// Where a key comes from. The key itself is never part of the settings.
public enum ModelKeySource: Hashable, Sendable {
    case none
    /// The absolute path of a file that its owner alone can read.
    case file(path: String)
    /// The name of a systemd credential (`LoadCredential=`, `SetCredentialEncrypted=`).
    case credential(name: String)
    /// What the manager keeps: `openai_api_key` of the configuration, in its sealed state or in memory.
    case kept
}

/// One model that may be asked. They are asked in the order in which they stand.
public struct ModelEndpoint: Hashable, Sendable {
    public var provider: ModelProvider
    public var url: ModelURL
    /// The model's name; `gpt-4` at OpenAI is an alias: see `docs/models.md`.
    public var model: String
    public var key = ModelKeySource.none
    /// 0–2, where the model takes one; nil leaves it to the provider.
    public var temperature: Double? = 0
    /// The longest answer in tokens, where the model takes a limit.
    public var maximumTokens = 2_000
    public var requestsPerMinute = 6
    public var tokensPerMinute = 60_000
    public var dailyRequests = 200
    public var dailyTokens = 1_000_000

    /// The most models that are set up.
    public static let maximumCount = 8

    public init(provider: ModelProvider, url: ModelURL, model: String) {
        self.provider = provider
        self.url = url
        self.model = model
    }

    /// The bounds of what may be set; values outside count as the nearest bound.
    public enum Bounds {
        public static let temperature = 0.0...2.0
        public static let maximumTokens = 64...32_768
        public static let requestsPerMinute = 1...600
        public static let tokensPerMinute = 1_000...10_000_000
        public static let dailyRequests = 1...100_000
        public static let dailyTokens = 1_000...1_000_000_000
        /// In bytes.
        public static let model = 1...128
    }
}
