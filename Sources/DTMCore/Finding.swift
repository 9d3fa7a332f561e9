/// What is held responsible for a finding, and what a response is aimed at. Never an address that many share.
public enum ResponseSubject: Hashable, Sendable, Codable {
    /// Somebody with a certificate of ours: his SPIFFE ID.
    case identity(String)
    /// A program of this host, by its user and, where it is known, its executable.
    case program(uid: UInt32, executable: String?)
    /// An application, by its stable name.
    case application(String)
    /// A tunnel, by its name: nobody else can be named.
    case tunnel(String)
    /// This host, or the manager itself.
    case host
}

extension ResponseSubject: CustomStringConvertible {
    /// As `identity:spiffe://…`, `program:uid 1001 /usr/bin/nmap`, `application:redis`, `tunnel:redis`, `host`.
    public var description: String {
        switch self {
        case .identity(let identity): "identity:\(identity)"
        case .program(let uid, let executable): "program:uid \(uid)" + (executable.map { " \($0)" } ?? "")
        case .application(let name): "application:\(name)"
        case .tunnel(let name): "tunnel:\(name)"
        case .host: "host"
        }
    }
}

/// One rung of the response ladder, the mildest first.
public enum ResponseRung: Int, Hashable, Sendable, Codable, CaseIterable, Comparable {
    case record = 0
    case notify, rotate, raiseDecoys, throttle, quarantine, revoke, stopApplication

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The name in the API, in events and in commands.
    public var name: String {
        switch self {
        case .record: "record"
        case .notify: "notify"
        case .rotate: "rotate"
        case .raiseDecoys: "raise-decoys"
        case .throttle: "throttle"
        case .quarantine: "quarantine"
        case .revoke: "revoke"
        case .stopApplication: "stop-application"
        }
    }

    /// Whether it always needs a person's approval, whatever the mode.
    public var needsApproval: Bool { self >= .revoke }
}

/// What may act by itself (`response.mode`).
public enum ResponseMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// Nothing acts; what would be done is said.
    case observe
    /// Record, notify, rotate and raise decoys act; what cuts anybody off waits for a person.
    case guardian = "guard"
    /// Throttle and quarantine act as well.
    case protect

    /// The highest rung that is climbed without a person.
    public var highestAutomaticRung: ResponseRung {
        switch self {
        case .observe: .record
        case .guardian: .raiseDecoys
        case .protect: .quarantine
        }
    }
}

/// A fact that somebody should know: what was seen, how bad it is, what speaks for it, and how it could be wrong.
public struct Finding: Hashable, Sendable {
    /// Who found it.
    public enum Source: String, Hashable, Sendable, Codable {
        case rule, detector, model
    }

    /// Unique within one manager, and stable: the same fact again has the same.
    public var id: String
    /// The rule or detector, dotted: `decoy.touched`.
    public var code: String
    /// When it was last seen.
    public var time: Timestamp
    /// When it was first seen.
    public var since: Timestamp
    /// How often since then.
    public var count: UInt64
    public var subject: ResponseSubject
    /// The tunnel's name, when it is about one.
    public var tunnel: String?
    /// The application's stable name, when it is about one.
    public var app: String?
    /// 0–100. A threshold of 0.7 in the configuration is a risk of 70.
    public var risk: Int
    /// How sure it is, 0–1.
    public var confidence: Double
    public var title: String
    /// The facts, most telling first; bounded, no peer text.
    public var evidence: [String]
    public var source: Source

    public init(
        id: String, code: String, time: Timestamp, since: Timestamp? = nil, count: UInt64 = 1,
        subject: ResponseSubject, tunnel: String? = nil, app: String? = nil, risk: Int, confidence: Double = 1,
        title: String, evidence: [String] = [], source: Source = .rule
    ) {
        self.id = id
        self.code = code
        self.time = time
        self.since = since ?? time
        self.count = count
        self.subject = subject
        self.tunnel = tunnel
        self.app = app
        self.risk = risk
        self.confidence = confidence
        self.title = title
        self.evidence = evidence
        self.source = source
    }
}
