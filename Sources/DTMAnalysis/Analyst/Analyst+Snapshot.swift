public import DTMCore

/// What the analyst learnt, as bytes. Of all: mark (8) ‖ second of the step (8) ‖ a 1 before each subject ‖ 0. Of one: another
/// mark ‖ the subject. A subject is its kind (1) ‖ its name ‖ what is known of it.
extension Analyst {
    /// The most bytes of a snapshot.
    public static let snapshotLimit = 8 << 20
    /// The most subjects in it; the most lately seen come first.
    public static let keptSubjects = 64
    /// The most bytes of one subject's baseline.
    public static let baselineLimit = 512 << 10
    private static let mark: UInt64 = 0x3141_5f4d_5444  // "DTM_A1"
    private static let baselineMark: UInt64 = 0x3142_5f4d_5444  // "DTM_B1"
    private static let title = "what the analyst learnt"

    /// What is to survive a restart.
    public func snapshot() -> [UInt8] {
        var coder = StateCoder(name: Self.title)
        var (more, end) = (true, false)
        var step = second % SeriesProfile.stepSeconds
        // Writing does not throw: only what is read is checked.
        try? coder.codeMark(Self.mark)
        try? coder.code(&step, in: 0...SeriesProfile.stepSeconds)
        let latest = subjects.sorted { ($0.value.seen, $1.key.name) > ($1.value.seen, $0.key.name) }
        for (subject, profile) in latest.prefix(Self.keptSubjects) where Self.isKept(subject, profile) {
            var one = StateCoder(name: Self.title)
            var (subject, profile) = (subject, profile)
            try? one.code(&more)
            try? Self.code(&one, &subject, &profile)
            guard coder.bytes.count + one.bytes.count < Self.snapshotLimit else { break }
            coder.append(one)
        }
        try? coder.code(&end)
        return coder.bytes
    }

    /// Goes on where the one that wrote `snapshot` was: the same readings give the same sightings.
    ///
    /// - Throws: ``DetectorStateError`` for what none of this version has written.
    public init(snapshot: [UInt8], at now: Timestamp) throws {
        guard snapshot.count <= Self.snapshotLimit else { throw Self.tooLong(snapshot, Self.snapshotLimit) }
        self.init()
        var coder = StateCoder(reading: snapshot, name: Self.title)
        try coder.codeMark(Self.mark)
        try coder.code(&second, in: 0...SeriesProfile.stepSeconds - 1)
        while true {
            var more = false
            try coder.code(&more)
            guard more else { break }
            let (subject, profile) = try Self.read(&coder, at: now)
            try coder.check(subjects.count < Self.keptSubjects && subjects[subject] == nil)
            subjects[subject] = profile
        }
        try coder.finish()
    }

    private static func tooLong(_ bytes: [UInt8], _ limit: Int) -> DetectorStateError {
        DetectorStateError(.tooLong, "\(title) has \(bytes.count) bytes; allowed are \(limit)")
    }

    private static func isKept(_ subject: AnalysisSubject, _ profile: SubjectProfile) -> Bool {
        subject.name.utf8.count <= SubjectProfile.longestName
            && (profile.app ?? "").utf8.count <= SubjectProfile.longestName
    }

    private static func read(
        _ coder: inout StateCoder, at now: Timestamp
    ) throws -> (AnalysisSubject, SubjectProfile) {
        var subject = AnalysisSubject.tunnel("")
        var profile = SubjectProfile(at: now)
        try code(&coder, &subject, &profile)
        // It was not watched meanwhile, and gets the whole hour before it is forgotten.
        profile.seen = now
        profile.since = min(profile.since, now)
        return (subject, profile)
    }

    private static func code(
        _ coder: inout StateCoder, _ subject: inout AnalysisSubject, _ profile: inout SubjectProfile
    ) throws {
        var isApplication = subject.app != nil
        var name = subject.name
        try coder.code(&isApplication)
        try coder.code(&name, atMost: SubjectProfile.longestName)
        try coder.check(!name.isEmpty && name.isPlain)
        subject = isApplication ? .application(name) : .tunnel(name)
        try profile.code(&coder)
    }

    // MARK: One subject

    /// What was learnt of a subject, to be taken elsewhere; nil when nothing was.
    public func baseline(of subject: AnalysisSubject) -> [UInt8]? {
        guard var profile = subjects[subject], Self.isKept(subject, profile) else { return nil }
        profile.keepLearntAlone()
        var subject = subject
        var coder = StateCoder(name: Self.title)
        try? coder.codeMark(Self.baselineMark)
        try? Self.code(&coder, &subject, &profile)
        return coder.bytes
    }

    /// Puts what was learnt elsewhere in the place of what is known of a subject.
    ///
    /// - Throws: ``DetectorStateError``; nothing is changed then.
    public mutating func install(_ baseline: [UInt8], for subject: AnalysisSubject, at now: Timestamp) throws {
        guard baseline.count <= Self.baselineLimit else { throw Self.tooLong(baseline, Self.baselineLimit) }
        var coder = StateCoder(reading: baseline, name: Self.title)
        try coder.codeMark(Self.baselineMark)
        var (source, profile) = try Self.read(&coder, at: now)
        try coder.finish()
        guard (source.app == nil) == (subject.app == nil) else {
            throw DetectorStateError(
                .value, "this is the baseline of \(source.kindName), and \(subject.name) is \(subject.kindName)")
        }
        profile.keepLearntAlone()
        profile.app = subjects[subject]?.app
        try put(profile, subject)
    }

    /// Puts a series that was learnt from a table in the place of what is known of it.
    ///
    /// - Throws: ``DetectorStateError`` when there are too many subjects.
    public mutating func install(_ training: Training, for subject: AnalysisSubject, at now: Timestamp) throws {
        var profile = subjects[subject] ?? SubjectProfile(at: now)
        profile.series[training.profile.metric] = training.profile
        try put(profile, subject)
    }

    private mutating func put(_ profile: SubjectProfile, _ subject: AnalysisSubject) throws {
        guard subjects[subject] != nil || subjects.count < Self.maximumSubjects else {
            throw DetectorStateError(.value, "\(Self.maximumSubjects) tunnels and applications are watched already")
        }
        subjects[subject] = profile
    }

    /// A series that was learnt from a table. Making one takes about 2 µs a row in a release build.
    public struct Training: Sendable {
        /// The most rows: a week of steps.
        public static let maximumRows = 65_536
        let profile: SeriesProfile
        public var metric: Metric { profile.metric }
        /// Whether there were too few rows to say what is unusual.
        public var isLearning: Bool { profile.isLearning }

        /// - Parameter samples: Each stands for a step of ten seconds, the oldest first.
        public init(_ metric: Metric, from samples: [SeriesSample]) {
            profile = SeriesProfile.learnt(metric, from: samples)
        }
    }
}

extension AnalysisSubject {
    /// With its article.
    var kindName: String { app == nil ? "a tunnel" : "an application" }
}

extension Metric {
    /// Whether it is measured of applications; the others are of tunnels.
    public var isOfApplications: Bool {
        switch self {
        case .cpu, .memory, .descriptors, .threads, .connections: true
        default: false
        }
    }

    /// Those that can be learnt of a subject.
    public static func judged(of subject: AnalysisSubject) -> [Metric] {
        allCases.filter { $0.isJudged && $0.isOfApplications == (subject.app != nil) }
    }
}

extension SubjectProfile {
    /// Each series that is judged, and whether too little was seen of it.
    public var learning: [(metric: Metric, isLearning: Bool)] {
        Metric.allCases.compactMap { metric in
            series[metric].flatMap { $0.detector == nil ? nil : (metric, $0.isLearning) }
        }
    }
}
