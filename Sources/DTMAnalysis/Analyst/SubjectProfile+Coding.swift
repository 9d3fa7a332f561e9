import DTMCore

/// What is known of a subject, to and from bytes: one description for both ways, as for detectors.
extension SubjectProfile {
    /// The longest name of an application, in bytes.
    static let longestName = 512

    mutating func code(_ coder: inout StateCoder) throws {
        try coder.code(&since)
        try coder.code(&seen)
        try coder.code(&app, atMost: Self.longestName)
        try coder.check((app ?? "").isPlain)
        try coder.code(&deployedAt, or: since) { coder, time in try coder.code(&time) }
        try coder.code(&deployment, or: 0) { coder, deployment in try coder.code(&deployment) }
        try coder.code(&minute.bytes, in: Bounds.positives)
        try coder.code(&minute.load, in: Bounds.positives)
        try coder.code(&minute.seconds, in: 0...59)
        try coder.code(&isOutflowing)
        try outflow.code(&coder)
        try codeSeries(&coder)
    }

    private mutating func codeSeries(_ coder: inout StateCoder) throws {
        var names = Metric.allCases.filter { series[$0] != nil }.map(\.rawValue)
        var count = names.count
        try coder.code(count: &count, atMost: Metric.allCases.count)
        if coder.isReading { names = Array(repeating: "", count: count) }
        for index in names.indices {
            try coder.code(&names[index], atMost: 64)
            guard let metric = Metric(rawValue: names[index]) else { return try coder.check(false) }
            try coder.check(series[metric] == nil)
            var profile = series[metric] ?? SeriesProfile(metric)
            try profile.code(&coder)
            series[metric] = profile
        }
    }

    /// Keeps what was learnt, and lets go of what goes on at this moment: for one that comes from elsewhere.
    mutating func keepLearntAlone() {
        outflow.forgive()
        isOutflowing = false
        minute = (0, 0, 0)
        deployment = nil
        deployedAt = nil
        for metric in Metric.allCases { series[metric]?.keepLearntAlone() }
    }
}

extension SeriesProfile {
    mutating func code(_ coder: inout StateCoder) throws {
        try coder.code(&steps, in: 0...Self.learningSteps)
        try coder.code(&score, in: 0...1)
        try coder.code(&sum, in: -1e30...1e30)
        try coder.code(&count, in: 0...1_000_000)
        try history.code(&coder)
        try coder.code(&episode, or: .empty) { coder, episode in try episode.code(&coder) }
        if var known = detector {
            try known.codeState(&coder)
            detector = known
        }
    }

    mutating func keepLearntAlone() {
        episode = nil
        score = 0
        sum = 0
        count = 0
    }

    /// A series that was learnt from a table: each row stands for a step.
    static func learnt(_ metric: Metric, from samples: [SeriesSample]) -> SeriesProfile {
        var profile = SeriesProfile(metric)
        var steps = 0
        for sample in samples {
            _ = profile.detector?.observe(sample)
            guard sample.value.isFinite else { continue }
            steps += 1
            for _ in 0..<stepSeconds { profile.history.append(sample.value) }
        }
        profile.steps = min(steps, learningSteps)
        return profile
    }
}

extension Episode {
    fileprivate static let empty = Episode(
        since: Timestamp(nanoseconds: 0), expected: 0, extreme: 0, score: 0, reasons: [])

    fileprivate mutating func code(_ coder: inout StateCoder) throws {
        try coder.code(&since)
        try coder.code(&expected, in: -1e30...1e30)
        try coder.code(&extreme, in: -1e30...1e30)
        try coder.code(&score, in: 0...1)
        try coder.code(&steps, in: 1...SeriesProfile.longestEpisode)
        try coder.code(&calmSteps, in: 0...SeriesProfile.calmSteps)
        try coder.code(&followsDeployment)
        var count = reasons.count
        try coder.code(count: &count, atMost: 8)
        if coder.isReading {
            reasons = Array(
                repeating: Reason(feature: .level, observed: 0, expected: 0, weight: 0, since: 0), count: count)
        }
        for index in reasons.indices { try reasons[index].code(&coder) }
    }
}

extension Reason {
    fileprivate mutating func code(_ coder: inout StateCoder) throws {
        var name = feature.rawValue
        try coder.code(&name, atMost: 64)
        guard let feature = SeriesFeature(rawValue: name) else { return try coder.check(false) }
        self.feature = feature
        for path in [\Reason.observed, \.expected, \.weight, \.since] {
            try coder.code(&self[keyPath: path], in: -1e40...1e40)
        }
    }
}

extension OutflowWatch {
    mutating func code(_ coder: inout StateCoder) throws {
        try coder.code(&learnt.minutes, in: 0...1_000_000)
        try coder.code(&learnt.mean, in: Bounds.positives)
        try coder.code(&learnt.variance, in: 0...1e60)
        try coder.code(&learnt.load, in: Bounds.positives)
        try coder.code(&sum, in: 0...4 * Self.alarm)
        try coder.code(&excess, in: 0...1e40)
        try coder.code(&since, or: Timestamp(nanoseconds: 0)) { coder, time in try coder.code(&time) }
    }
}

extension MetricHistory {
    mutating func code(_ coder: inout StateCoder) throws {
        try bySecond.code(&coder)
        try byMinute.code(&coder)
        try byHour.code(&coder)
        try minute.code(&coder)
        try hour.code(&coder)
    }
}

extension MetricHistory.Mean {
    fileprivate mutating func code(_ coder: inout StateCoder) throws {
        try coder.code(&sum, in: -1e30...1e30)
        try coder.code(&count, in: 0...59)
    }
}

extension Ring {
    fileprivate mutating func code(_ coder: inout StateCoder) throws {
        var kept = values
        var count = kept.count
        try coder.code(count: &count, atMost: capacity)
        if coder.isReading { kept = Array(repeating: 0, count: count) }
        try coder.code(&kept, in: Bounds.floats)
        guard coder.isReading else { return }
        self = Ring(capacity: capacity)
        for value in kept { append(value) }
    }
}
