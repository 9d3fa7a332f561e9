public import DTMCore

/// The embedded analyst: keeps what each tunnel and application did, learns what is usual, and says what is not.
///
/// A bounded value without a clock: give it the readings of each second. It needs no network, and nothing but what it is given
/// decides. What it learns is what was not unusual: see ``SeriesDetector``.
public struct Analyst: Sendable {
    /// The most subjects; beyond them those with a tunnel come first.
    public static let maximumSubjects = 512
    /// For so long after a start of the application what is unlike before is put down to it.
    static let deploymentGrace = Duration.seconds(600)
    /// After so many seconds without a reading a subject is forgotten: an hour.
    private static let forgottenAfter = Duration.seconds(3_600)

    var subjects: [AnalysisSubject: SubjectProfile] = [:]
    var second = 0
    private var connections: ConnectionWatch

    /// - Parameter seed: random, so that nobody can choose names that hide behind others.
    public init(seed: UInt64 = .random(in: .min ... .max)) { connections = ConnectionWatch(seed: seed) }

    /// Takes the readings of one second, and every tenth time judges.
    ///
    /// - Parameter accepted: The connections of that second.
    /// - Returns: What is unusual now, each step again for as long as it is.
    public mutating func take(
        _ readings: [Reading], accepted: [AcceptedConnection] = [], at now: Timestamp
    ) -> [Sighting] {
        second += 1
        for connection in accepted { connections.take(connection) }
        for reading in readings { take(reading, at: now) }
        guard second % SeriesProfile.stepSeconds == 0 else { return [] }
        var sightings: [Sighting] = []
        for subject in Array(subjects.keys) { sightings += subjects[subject]?.judge(subject, at: now) ?? [] }
        sightings += connections.judge(apps: appsByTunnel, fresh: freshTunnels(at: now), at: now)
        forget(at: now)
        return sightings.sorted { ($0.risk, $1.title) > ($1.risk, $0.title) }
    }

    private mutating func take(_ reading: Reading, at now: Timestamp) {
        if subjects[reading.subject] == nil {
            guard subjects.count < Self.maximumSubjects else { return }
            subjects[reading.subject] = SubjectProfile(at: now)
        }
        let isNew = subjects[reading.subject]?.take(reading, at: now) ?? false
        guard isNew, case .application(let app) = reading.subject else { return }
        // Its tunnels see the same change.
        for subject in Array(subjects.keys) where subjects[subject]?.app == app { subjects[subject]?.deployed(at: now) }
    }

    private func freshTunnels(at now: Timestamp) -> Set<String> {
        Set(subjects.compactMap { subject, profile in profile.isFresh(at: now) ? subject.tunnel : nil })
    }

    private var appsByTunnel: [String: String] {
        var apps: [String: String] = [:]
        for (subject, profile) in subjects {
            if case .tunnel(let name) = subject, let app = profile.app { apps[name] = app }
        }
        return apps
    }

    private mutating func forget(at now: Timestamp) {
        guard subjects.values.contains(where: { now - $0.seen >= Self.forgottenAfter }) else { return }
        subjects = subjects.filter { now - $0.value.seen < Self.forgottenAfter }
    }

    public subscript(subject: AnalysisSubject) -> SubjectProfile? { subjects[subject] }

    /// All that is known, in no order.
    public var known: [AnalysisSubject] { Array(subjects.keys) }

    /// How many series there are.
    public var seriesCount: Int { subjects.values.reduce(0) { $0 + $1.series.count } }
}
