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

    private(set) var subjects: [AnalysisSubject: SubjectProfile] = [:]
    private var second = 0

    public init() {}

    /// Takes the readings of one second, and every tenth time judges.
    ///
    /// - Returns: What is unusual now, each step again for as long as it is.
    public mutating func take(_ readings: [Reading], at now: Timestamp) -> [Sighting] {
        second += 1
        for reading in readings { take(reading, at: now) }
        guard second % SeriesProfile.stepSeconds == 0 else { return [] }
        var sightings: [Sighting] = []
        for subject in subjects.keys { sightings += subjects[subject]?.judge(subject, at: now) ?? [] }
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
        for subject in subjects.keys where subjects[subject]?.app == app { subjects[subject]?.deployed(at: now) }
    }

    private mutating func forget(at now: Timestamp) {
        subjects = subjects.filter { now - $0.value.seen < Self.forgottenAfter }
    }

    public subscript(subject: AnalysisSubject) -> SubjectProfile? { subjects[subject] }

    /// All that is known, in no order.
    public var known: [AnalysisSubject] { Array(subjects.keys) }

    /// How many series there are.
    public var seriesCount: Int { subjects.values.reduce(0) { $0 + $1.series.count } }

    mutating func restore(_ profile: SubjectProfile, of subject: AnalysisSubject) {
        guard subjects.count < Self.maximumSubjects else { return }
        subjects[subject] = profile
    }
}
