/// What a model says of an application or a tunnel. Its words: they decide nothing, and may be wrong or made up.
public struct ModelOpinion: Codable, Hashable, Sendable {
    /// Who says so, as `ollama qwen3:8b`.
    public var model: String
    /// When, RFC 3339.
    public var time: String
    /// The application or the tunnel.
    public var name: String
    /// `benign`, `unusual`, `suspicious` or `malicious`.
    public var verdict: String
    /// 0–100: how much of a person's attention it asks for.
    public var attention: Int
    public var summary: String
    /// What it refers to of what it was told, as `bytes_out_per_minute` or `decoy.touched`.
    public var evidence: [String]
    public var recommendation: String?

    public init(
        model: String, time: String, name: String, verdict: String, attention: Int, summary: String,
        evidence: [String], recommendation: String?
    ) {
        self.model = model
        self.time = time
        self.name = name
        self.verdict = verdict
        self.attention = attention
        self.summary = summary
        self.evidence = evidence
        self.recommendation = recommendation
    }
}

/// How one model does that is asked for advice.
public struct ModelReport: Codable, Hashable, Sendable {
    /// As `ollama qwen3:8b`.
    public var name: String
    public var host: String
    /// `ready`; `open` after three failures, `half-open` before the next try; `on-hold` as it asked for; `budget-spent` for today.
    public var state: String
    /// The end of `on-hold`, RFC 3339.
    public var until: String?
    /// Failed consultations since the last advice.
    public var failures: Int
    /// The code, as `models.unreachable`; nil while all is well.
    public var lastError: String?
    /// The same for people.
    public var message: String?
    /// When it last gave advice, RFC 3339; nil when it never did.
    public var lastAdvice: String?
    /// How the answer's form is asked for: `json_schema`, `json_object` or `prompt`.
    public var mode: String
    /// Since midnight UTC, or since the models were set up.
    public var requestsToday: Int
    public var tokensToday: Int

    public init(
        name: String, host: String, state: String, until: String?, failures: Int, lastError: String?, message: String?,
        lastAdvice: String?, mode: String, requestsToday: Int, tokensToday: Int
    ) {
        self.name = name
        self.host = host
        self.state = state
        self.until = until
        self.failures = failures
        self.lastError = lastError
        self.message = message
        self.lastAdvice = lastAdvice
        self.mode = mode
        self.requestsToday = requestsToday
        self.tokensToday = tokensToday
    }
}

/// `GET /v1/analysis/prompt`: what would be sent to models now.
public struct ModelPromptReport: Codable, Hashable, Sendable {
    /// One model's request.
    public struct Request: Codable, Hashable, Sendable {
        public var url: String
        /// The key's is there with asterisks.
        public var headers: [String]
        /// JSON, byte for byte.
        public var body: String

        public init(url: String, headers: [String], body: String) {
            self.url = url
            self.headers = headers
            self.body = body
        }
    }

    public var schemaVersion = apiSchemaVersion
    /// Whether models are asked by themselves: analysis is on.
    public var enabled: Bool
    /// How many applications it tells of; with none, nobody is asked.
    public var applications: Int
    /// One of each model, in their order; empty: none is set up.
    public var requests: [Request]

    public init(enabled: Bool, applications: Int, requests: [Request]) {
        self.enabled = enabled
        self.applications = applications
        self.requests = requests
    }
}
