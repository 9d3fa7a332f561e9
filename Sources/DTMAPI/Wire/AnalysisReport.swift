/// `GET /v1/analysis/NAME`: what the embedded analyst knows of one application and the tunnels in front of it.
public struct AnalysisReport: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// What was asked for: a name or a PID.
    public var asked: String
    /// Whether analysis is on: nothing is learnt while it is off.
    public var enabled: Bool
    /// The application and each of its tunnels.
    public var subjects: [Subject]
    /// 0–100, out of all findings about them.
    public var risk: Int
    /// How ``risk`` comes about; empty without findings.
    public var arithmetic: String
    public var verdict: String
    /// The highest risk first.
    public var findings: [FindingReport]
    /// What models say of them, who asks for most attention first; they decide nothing. Nil of a manager that asks none.
    public var opinions: [ModelOpinion]?

    public init(
        asked: String, enabled: Bool, subjects: [Subject], risk: Int, arithmetic: String, verdict: String,
        findings: [FindingReport]
    ) {
        self.asked = asked
        self.enabled = enabled
        self.subjects = subjects
        self.risk = risk
        self.arithmetic = arithmetic
        self.verdict = verdict
        self.findings = findings
    }

    /// One application or tunnel.
    public struct Subject: Codable, Hashable, Sendable {
        /// `application` or `tunnel`.
        public var kind: String
        public var name: String
        /// An application's processes.
        public var pids: [Int32]?
        /// When the analyst first saw it, RFC 3339; nil when it never did.
        public var since: String?
        /// Whether too little was seen to judge it.
        public var learning: Bool
        /// What is unlike before, in sentences.
        public var reasons: [String]
        /// What it looks like, in sentences.
        public var patterns: [String]
        public var recommendations: [Advice]
        public var metrics: [MetricFigures]

        public init(
            kind: String, name: String, pids: [Int32]?, since: String?, learning: Bool, reasons: [String],
            patterns: [String], recommendations: [Advice], metrics: [MetricFigures]
        ) {
            self.kind = kind
            self.name = name
            self.pids = pids
            self.since = since
            self.learning = learning
            self.reasons = reasons
            self.patterns = patterns
            self.recommendations = recommendations
            self.metrics = metrics
        }
    }

    /// What could be set otherwise.
    public struct Advice: Codable, Hashable, Sendable {
        public var code: String
        public var advice: String
        public var evidence: String

        public init(code: String, advice: String, evidence: String) {
            self.code = code
            self.advice = advice
            self.evidence = evidence
        }
    }

    /// One measured series.
    public struct MetricFigures: Codable, Hashable, Sendable {
        /// As `bytes-out`.
        public var name: String
        /// As `B/s`; empty for a number.
        public var unit: String
        public var now: Double?
        /// The mean of the last minute, and of the last hour.
        public var minute: Double?
        public var hour: Double?
        /// How unusual the last ten seconds were, 0–1; nil for what is not judged.
        public var score: Double?
        /// The last two minutes, a value a second, the oldest first.
        public var recent: [Double]

        public init(
            name: String, unit: String, now: Double?, minute: Double?, hour: Double?, score: Double?, recent: [Double]
        ) {
            self.name = name
            self.unit = unit
            self.now = now
            self.minute = minute
            self.hour = hour
            self.score = score
            self.recent = recent
        }
    }
}
