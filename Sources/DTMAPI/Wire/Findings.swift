/// `GET /v1/findings`: what was found out about applications and tunnels, by rules, detectors and models.
public struct FindingList: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// Whether this manager looks for any; without that, an empty list says nothing.
    public var available: Bool
    public var findings: [FindingReport]

    public init(available: Bool, findings: [FindingReport]) {
        self.available = available
        self.findings = findings
    }
}

/// One finding.
public struct FindingReport: Codable, Hashable, Sendable {
    public var id: String
    /// RFC 3339.
    public var time: String
    /// The application's stable name.
    public var app: String?
    public var tunnel: String?
    /// 0–100.
    public var risk: Int
    public var verdict: String
    public var title: String
    /// The facts, most telling first.
    public var evidence: [String]
    /// `rule`, `detector` or `model`.
    public var source: String
    /// What was done, or what would be and waits for a person; nil when nothing is to be done.
    public var action: String?

    public init(
        id: String, time: String, app: String?, tunnel: String?, risk: Int, verdict: String, title: String,
        evidence: [String], source: String, action: String?
    ) {
        self.id = id
        self.time = time
        self.app = app
        self.tunnel = tunnel
        self.risk = risk
        self.verdict = verdict
        self.title = title
        self.evidence = evidence
        self.source = source
        self.action = action
    }
}
