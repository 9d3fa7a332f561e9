/// `GET /v1/analysis/NAME/baseline`, and what `PUT` takes there: what was learnt of a tunnel or an application. It is also the
/// file that `dtm analyze export` writes. No secrets are in it; it describes traffic.
public struct BaselineDocument: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// `application` or `tunnel`.
    public var kind: String
    public var name: String
    /// In base64; its version is in it.
    public var baseline: String

    /// The most bytes of it as JSON.
    public static let maximumBytes = 1 << 20

    public init(kind: String, name: String, baseline: String) {
        self.kind = kind
        self.name = name
        self.baseline = baseline
    }
}

/// The answer to `PUT /v1/analysis/NAME/baseline` and `POST /v1/analysis/NAME/train`: what is known from now on.
public struct BaselineReport: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// `application` or `tunnel`.
    public var kind: String
    public var name: String
    /// Whether too little is known of any series to judge it.
    public var learning: Bool
    public var metrics: [Series]

    public init(kind: String, name: String, learning: Bool, metrics: [Series]) {
        self.kind = kind
        self.name = name
        self.learning = learning
        self.metrics = metrics
    }

    /// A series that is judged.
    public struct Series: Codable, Hashable, Sendable {
        public var name: String
        public var learning: Bool

        public init(name: String, learning: Bool) {
            self.name = name
            self.learning = learning
        }
    }
}

/// The body of `POST /v1/analysis/NAME/train`: the history of one series, which is learnt in the place of what is known of it.
public struct SeriesTraining: Codable, Hashable, Sendable {
    public var metric: String
    /// Seconds since 1970, one for each step of ten seconds, the oldest first.
    public var times: [Double]
    /// As many; null where one is missing.
    public var values: [Double?]

    /// The most bytes of it as JSON.
    public static let maximumBytes = 4 << 20

    public init(metric: String, times: [Double], values: [Double?]) {
        self.metric = metric
        self.times = times
        self.values = values
    }
}
