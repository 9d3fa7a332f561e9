import DTMAPI
import DTMAnalysis
import DTMCore

/// The analyst of this manager, and what it is told of applications.
actor AnalystDesk {
    /// The most applications that are watched because somebody asked, and for how long after he did.
    private static let maximumAsked = 32
    private static let askedFor = Duration.seconds(3_600)
    private(set) var analyst = Analyst()
    private var figures: [String: ApplicationFigures] = [:]
    private var asked: [String: Timestamp] = [:]
    private var isOn = true

    /// What is to survive a restart; nil when nothing was learnt.
    func snapshot() -> [UInt8]? { analyst.known.isEmpty ? nil : analyst.snapshot() }

    /// - Throws: `DetectorStateError`.
    func restore(_ snapshot: [UInt8], at now: Timestamp) throws {
        analyst = try Analyst(snapshot: snapshot, at: now)
    }

    func baseline(of subject: AnalysisSubject) -> [UInt8]? { analyst.baseline(of: subject) }

    /// Puts another baseline in the place of what was learnt of a subject.
    ///
    /// - Returns: What is known of it then.
    /// - Throws: `DetectorStateError`.
    func install(_ baseline: [UInt8], for subject: AnalysisSubject, at now: Timestamp) throws -> SubjectProfile? {
        try analyst.install(baseline, for: subject, at: now)
        return analyst[subject]
    }

    /// - Returns: What is known of it then.
    /// - Throws: `DetectorStateError`.
    func install(
        _ training: Analyst.Training, for subject: AnalysisSubject, at now: Timestamp
    ) throws -> SubjectProfile? {
        try analyst.install(training, for: subject, at: now)
        return analyst[subject]
    }

    /// What runs, from the latest look at this host.
    func note(_ processes: [ApplicationObservation], besides own: Set<Int32>) {
        figures = ApplicationFigures.of(processes, besides: own)
    }

    /// Takes one second of the tunnels and of what runs behind them.
    ///
    /// - Returns: What is unusual; empty while analysis is off, when nothing is learnt either.
    func tick(
        _ tunnels: [(name: String, app: String?, values: [Metric: Double])], accepted: [AcceptedConnection],
        isOn: Bool, at now: Timestamp
    ) -> [Sighting] {
        self.isOn = isOn
        guard isOn else { return [] }
        asked = asked.filter { now - $0.value < Self.askedFor }
        let apps = Set(tunnels.compactMap(\.app)).union(asked.keys)
        let ofApps = apps.sorted().compactMap { app in
            figures[app].map {
                Reading(.application(app), values: $0.values, app: app, deployment: $0.deployment)
            }
        }
        let ofTunnels = tunnels.map { Reading(.tunnel($0.name), values: $0.values, app: $0.app) }
        // Applications first: what their start changes must not be held against their tunnels.
        return analyst.take(ofApps + ofTunnels, accepted: accepted, at: now)
    }

    /// What is known of a subject; an application is watched from now on for an hour.
    func profile(of subject: AnalysisSubject, at now: Timestamp) -> SubjectProfile? {
        if case .application(let app) = subject, asked[app] != nil || asked.count < Self.maximumAsked {
            asked[app] = now
        }
        return analyst[subject]
    }

    /// The stable name of the application of a process, and all its processes.
    func application(of pid: Int32) -> String? { figures.first { $0.value.processes.contains(pid) }?.key }

    func processes(of app: String) -> [Int32]? { figures[app]?.processes }

    /// All that is known, in numbers.
    var known: [KnownSubject] {
        analyst.known.compactMap { subject in
            analyst[subject].map { KnownSubject(subject: subject, app: $0.app, figures: $0.figures) }
        }
    }

    var seriesCount: Int { analyst.seriesCount }
}
