public import DTMCore

/// What a rule saw, before it is known whether it is news.
public struct Sighting: Hashable, Sendable {
    public var code: String
    public var time: Timestamp
    /// How many it stands for.
    public var count: UInt64
    public var subject: ResponseSubject
    public var tunnel: String?
    public var app: String?
    /// 0–100.
    public var risk: Int
    /// 0–1.
    public var confidence: Double
    public var title: String
    /// The facts, most telling first.
    public var evidence: [String]
    public var source: Finding.Source

    public init(
        code: String, time: Timestamp, count: UInt64 = 1, subject: ResponseSubject, tunnel: String? = nil,
        app: String? = nil, risk: Int, confidence: Double = 1, title: String, evidence: [String] = [],
        source: Finding.Source = .rule
    ) {
        self.code = code
        self.time = time
        self.count = count
        self.subject = subject
        self.tunnel = tunnel
        self.app = app
        self.risk = min(100, max(0, risk))
        self.confidence = min(1, max(0, confidence))
        self.title = title
        self.evidence = evidence
        self.source = source
    }

    /// What an event shows of `kind`.
    ///
    /// - Parameters:
    ///   - risk: Nil: the highest of the kind.
    ///   - notes: Facts that the event itself does not tell; they come first.
    init(
        _ kind: FindingKind, _ event: Event, risk: Int? = nil, confidence: Double? = nil,
        subject: ResponseSubject? = nil, notes: [String] = []
    ) {
        self.init(
            code: kind.code, time: event.time, count: event.count, subject: subject ?? event.subject,
            tunnel: event.tunnel, app: event.app, risk: risk ?? kind.facts.risk,
            confidence: confidence ?? kind.facts.confidence, title: kind.facts.title, evidence: notes + event.evidence)
    }
}

extension Event {
    /// How many it stands for.
    var count: UInt64 { integer("count").map { UInt64(max(1, $0)) } ?? 1 }

    func integer(_ key: String) -> Int64? {
        if case .integer(let value)? = detail[key] { value } else { nil }
    }

    func text(_ key: String) -> String? {
        if case .string(let value)? = detail[key] { value } else { nil }
    }

    func list(_ key: String) -> [String] {
        if case .list(let value)? = detail[key] { value } else { [] }
    }

    var uid: UInt32? { integer("uid").flatMap(UInt32.init(exactly:)) }
    var executable: String? { text("executable") }

    /// Whoever can be held responsible, as precisely as the kernel's word allows.
    var subject: ResponseSubject {
        if let uid { return .program(uid: uid, executable: executable) }
        if let identity { return .identity(identity) }
        if let app { return .application(app) }
        return tunnel.map { .tunnel($0) } ?? .host
    }

    /// The facts of the detail, the most telling first.
    var evidence: [String] {
        var facts: [String] = []
        if let uid { facts.append("uid \(uid)" + (text("user").map { " (\($0))" } ?? "")) }
        if let executable { facts.append("executable \(executable)") }
        if let pid = integer("pid") { facts.append("pid \(pid)") }
        if let identity { facts.append("identity \(identity)") }
        for (key, name) in Self.told {
            if let value = detail[key] { facts.append("\(name) \(value)") }
        }
        if let tunnel { facts.append("tunnel \(tunnel)") }
        return facts
    }

    /// What a finding repeats of an event, in this order.
    private static let told = [
        ("cause", "cause"), ("peer", "from"), ("client", "from"), ("local", "at"), ("endpoint", "at"), ("target", "to"),
        ("address", "address"), ("port", "port"), ("from", "before:"), ("to", "now:"), ("process", "process"),
        ("lapses", "lost:"), ("weakenings", "weaker:"), ("code", "code"), ("seconds", "seconds"), ("route", "route"),
        ("failures", "failures"), ("reason", "reason:"),
    ]
}
