/// `GET /v1/findings`: what was found out about applications and tunnels, by rules, detectors and models.
public struct FindingList: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// Whether this manager looks for any; without that, an empty list says nothing.
    public var available: Bool
    /// The highest risk first.
    public var findings: [FindingReport]
    /// How many there are, should not all be told.
    public var total: Int?
    /// What they come to, with the arithmetic.
    public var risk: FindingRisk?

    public init(available: Bool, findings: [FindingReport]) {
        self.available = available
        self.findings = findings
    }
}

/// How bad it is, out of all findings that the caller sees.
public struct FindingRisk: Codable, Hashable, Sendable {
    /// An application or a tunnel.
    public struct Part: Codable, Hashable, Sendable {
        public var name: String
        /// 0–100.
        public var risk: Int
        /// How it comes about.
        public var arithmetic: String

        public init(name: String, risk: Int, arithmetic: String) {
            self.name = name
            self.risk = risk
            self.arithmetic = arithmetic
        }
    }

    /// 0–100.
    public var machine: Int
    /// The risk from which something is to be done: `analysis.securityThreshold`.
    public var threshold: Int
    /// How ``machine`` comes about; empty without findings.
    public var arithmetic: String
    /// The riskiest first.
    public var apps: [Part]
    public var tunnels: [Part]

    public init(machine: Int, threshold: Int, arithmetic: String, apps: [Part], tunnels: [Part]) {
        self.machine = machine
        self.threshold = threshold
        self.arithmetic = arithmetic
        self.apps = apps
        self.tunnels = tunnels
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
    /// What the response ladder did, and what waits for a person, the latest first, as `quarantine waits for dtm respond
    /// approve r3; rotate done`; nil when nothing is to be done.
    public var action: String?
    /// The rule or detector, dotted, as `decoy.touched`: see `docs/findings.md`.
    public var code: String?
    /// When it was first seen, RFC 3339.
    public var since: String?
    /// How often since then.
    public var count: UInt64?
    /// What is held responsible, as `program:uid 1001 /usr/bin/nmap`.
    public var subject: String?
    /// How sure it is, 0–1.
    public var confidence: Double?
    /// When it is no threat after all.
    public var wrongWhen: String?
    /// What a person should do about it.
    public var advice: String?

    public init(
        id: String, time: String, app: String?, tunnel: String?, risk: Int, verdict: String, title: String,
        evidence: [String], source: String, action: String?, code: String? = nil, since: String? = nil,
        count: UInt64? = nil, subject: String? = nil, confidence: Double? = nil, wrongWhen: String? = nil
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
        self.code = code
        self.since = since
        self.count = count
        self.subject = subject
        self.confidence = confidence
        self.wrongWhen = wrongWhen
    }
}
