public import DTMCore

/// What is known of one tunnel or application.
public struct SubjectProfile: Sendable {
    var series: [Metric: SeriesProfile] = [:]
    var outflow = OutflowWatch()
    /// When the first reading came.
    public internal(set) var since: Timestamp
    /// When the last one did.
    public internal(set) var seen: Timestamp
    /// The application behind a tunnel.
    public internal(set) var app: String?
    /// When it was started anew while it was watched.
    public internal(set) var deployedAt: Timestamp?
    var deployment: UInt64?
    var minute = (bytes: 0.0, load: 0.0, seconds: 0)
    var isOutflowing = false

    init(at now: Timestamp) {
        since = now
        seen = now
    }

    /// Takes one second.
    ///
    /// - Returns: Whether the application was started anew since the last one.
    mutating func take(_ reading: Reading, at now: Timestamp) -> Bool {
        seen = now
        app = reading.app ?? app
        for (metric, value) in reading.values { series[metric, default: SeriesProfile(metric)].append(value) }
        if let bytes = reading.values[.bytesOut] {
            count(bytes, load: (reading.values[.opened] ?? 0) + (reading.values[.active] ?? 0), at: now)
        }
        guard let present = reading.deployment else { return false }
        defer { deployment = present }
        guard let deployment, deployment != present else { return false }
        deployed(at: now)
        return true
    }

    private mutating func count(_ bytes: Double, load: Double, at now: Timestamp) {
        minute.bytes += bytes
        minute.load += load
        minute.seconds += 1
        guard minute.seconds == 60 else { return }
        isOutflowing = outflow.take(minute.bytes, load: minute.load, isFresh: isFresh(at: now), at: now)
        minute = (0, 0, 0)
    }

    /// What runs now is another program or another process than what was learnt.
    mutating func deployed(at now: Timestamp) {
        deployedAt = now
        outflow.relearn()
        isOutflowing = false
        for metric in Metric.allCases { series[metric]?.excuse() }
    }

    func isFresh(at now: Timestamp) -> Bool {
        deployedAt.map { now - $0 < Analyst.deploymentGrace } ?? false
    }

    // MARK: Judging

    mutating func judge(_ subject: AnalysisSubject, at now: Timestamp) -> [Sighting] {
        let isFresh = isFresh(at: now)
        // Not over the keys of the dictionary: as long as those are held, every change copies all that was learnt.
        for metric in Metric.allCases {
            series[metric]?.judge(at: now)
            // What does not pass within the time is no deployment.
            if isFresh { series[metric]?.excuse() }
        }
        return sightings(subject, at: now)
    }

    /// Metrics that are unlike what was learnt, the most unlikely first.
    public var episodes: [(metric: Metric, episode: Episode)] {
        series.compactMap { metric, profile in profile.episode.map { (metric, $0) } }
            .sorted { ($0.episode.score, $1.metric.rawValue) > ($1.episode.score, $0.metric.rawValue) }
    }

    private func sightings(_ subject: AnalysisSubject, at now: Timestamp) -> [Sighting] {
        var found: [Sighting] = []
        let running = episodes
        for family in Metric.Family.allCases {
            let own = running.filter { $0.metric.family == family && !$0.episode.followsDeployment }
            guard !own.isEmpty else { continue }
            found.append(sighting(family.kind, subject, own, at: now))
        }
        let excused = running.filter { $0.episode.followsDeployment }
        if !excused.isEmpty { found.append(sighting(.deployment, subject, excused, at: now)) }
        if isOutflowing { found.append(outflowSighting(subject, at: now)) }
        return found
    }

    private func sighting(
        _ kind: DetectionKind, _ subject: AnalysisSubject, _ episodes: [(metric: Metric, episode: Episode)],
        at now: Timestamp
    ) -> Sighting {
        let facts = kind.facts
        return Sighting(
            code: kind.code, time: now, subject: subject.responseSubject, tunnel: subject.tunnel,
            app: subject.app ?? app, risk: facts.risk, confidence: facts.confidence, title: facts.title,
            evidence: episodes.map { $0.episode.words($0.metric, at: now) }, source: .detector)
    }

    private func outflowSighting(_ subject: AnalysisSubject, at now: Timestamp) -> Sighting {
        let facts = DetectionKind.outflow.facts
        let since = outflow.since ?? now
        return Sighting(
            code: DetectionKind.outflow.code, time: now, subject: subject.responseSubject, tunnel: subject.tunnel,
            app: subject.app ?? app, risk: facts.risk, confidence: facts.confidence, title: facts.title,
            evidence: [
                "\(Amount.bytes(outflow.excess)) beyond the usual since \(since.rfc3339)",
                "usual: \(Amount.bytes(outflow.mean)) a minute, out of \(outflow.minutes) minutes",
            ], source: .detector)
    }
}

extension Metric.Family {
    var kind: DetectionKind {
        switch self {
        case .load: .trafficUnusual
        case .failures: .failuresUnusual
        case .resources: .resourcesUnusual
        }
    }
}

extension AnalysisSubject {
    var tunnel: String? { if case .tunnel(let name) = self { name } else { nil } }
    var app: String? { if case .application(let name) = self { name } else { nil } }
}

extension Episode {
    /// As `new connections 48/s, usually 2/s, for 40 s: the level moved`.
    func words(_ metric: Metric, at now: Timestamp) -> String {
        let why = reasons.first.map { ": \($0.feature.words)" } ?? ""
        return "\(metric.words) \(Amount.text(extreme, metric)), usually \(Amount.text(expected, metric)), for "
            + "\(max(SeriesProfile.stepSeconds, Int((now - since).inSeconds))) s\(why)"
    }
}

/// Numbers as people read them, without a library of formats.
enum Amount {
    static func text(_ value: Double, _ metric: Metric) -> String {
        switch metric.unit {
        case "B": bytes(value)
        case "B/s": bytes(value) + "/s"
        case "1/s": number(value) + "/s"
        case "": number(value)
        case let unit: number(value) + " " + unit
        }
    }

    static func bytes(_ value: Double) -> String {
        var value = value
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if abs(value) < 1_024 { return number(value) + " " + unit }
            value /= 1_024
        }
        return number(value) + " TiB"
    }

    /// With one decimal below 100.
    static func number(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        guard abs(value) < 100 else { return "\(Int(value.rounded()))" }
        let tenths = Int((abs(value) * 10).rounded())
        return (value < 0 && tenths > 0 ? "-" : "") + "\(tenths / 10)" + (tenths % 10 == 0 ? "" : ".\(tenths % 10)")
    }
}
