import DTMCore

/// What is analysed.
public enum AnalysisSubject: Hashable, Sendable {
    /// By its name.
    case tunnel(String)
    /// By its stable name.
    case application(String)

    public var name: String {
        switch self {
        case .tunnel(let name), .application(let name): name
        }
    }

    /// What a finding about it is aimed at.
    var responseSubject: ResponseSubject {
        switch self {
        case .tunnel(let name): .tunnel(name)
        case .application(let name): .application(name)
        }
    }
}

/// One second of one subject.
public struct Reading: Hashable, Sendable {
    public var subject: AnalysisSubject
    public var values: [Metric: Double]
    /// The application behind a tunnel.
    public var app: String?
    /// What runs: changes when the application is started anew or its program is another one. Nil when that can't be told.
    public var deployment: UInt64?

    public init(_ subject: AnalysisSubject, values: [Metric: Double], app: String? = nil, deployment: UInt64? = nil) {
        self.subject = subject
        self.values = values
        self.app = app
        self.deployment = deployment
    }
}

/// Everything that detectors can find. `docs/analysis.md` has a row for each.
public enum DetectionKind: String, Hashable, Sendable, CaseIterable {
    case trafficUnusual = "traffic.unusual"
    case failuresUnusual = "failures.unusual"
    case resourcesUnusual = "resources.unusual"
    case outflow = "traffic.outflow"
    case burst = "traffic.burst"
    case beacon = "traffic.beacon"
    case deployment = "deployment.changed"

    public var code: String { rawValue }

    /// What there is to know of it before anything was seen, as rules have it.
    public var facts: FindingKind.Facts {
        switch self {
        case .trafficUnusual:
            .init(
                title: "Traffic is unlike what was learnt", risk: 45, confidence: 0.7,
                wrongWhen: "there is more or less to do than before, as on a holiday or after an announcement",
                advice: "see dtm analyze NAME for what changed, and whether the application's users know why")
        case .failuresUnusual:
            .init(
                title: "More is turned away than before", risk: 60, confidence: 0.8,
                wrongWhen: "a client is misconfigured, or its certificate is over",
                advice: "see dtm findings and dtm events for who it is")
        case .resourcesUnusual:
            .init(
                title: "The application uses more than before", risk: 30, confidence: 0.6,
                wrongWhen: "it does housekeeping, or has more to do",
                advice: "see dtm analyze NAME; a program that computes without traffic may not be yours")
        case .outflow:
            .init(
                title: "More leaves through a tunnel than it ever did", risk: 70, confidence: 0.75,
                wrongWhen: "a backup or an export runs that did not run before",
                advice: "see dtm tunnels NAME for who is connected, and take the identity back if he should not be")
        case .burst:
            .init(
                title: "One client connects far more often than before", risk: 65, confidence: 0.75,
                wrongWhen: "a batch job opens a connection for each of its steps",
                advice: "see who it is; many short connections to a login are guesses")
        case .beacon:
            .init(
                title: "A client calls at regular intervals, as no person does", risk: 55, confidence: 0.6,
                wrongWhen: "it is a health check or a scheduled job: dismiss it once",
                advice: "find out which program calls, and why")
        case .deployment:
            .init(
                title: "The application was started anew, and behaves differently since", risk: 10, confidence: 0.8,
                wrongWhen: "somebody exchanged the program: application.executable_changed tells that",
                advice: "nothing, if you did it; what is usual is learnt again")
        }
    }
}
