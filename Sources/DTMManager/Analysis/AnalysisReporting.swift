import DTMAPI
import DTMAnalysis
import DTMConfiguration
import DTMCore
import DTMPlan

/// Makes the report about one application, with its tunnels, or about one tunnel, with its application.
struct AnalysisReporting: Sendable {
    let parts: ControlParts

    /// - Parameters:
    ///   - asked: A tunnel's name, an application's stable name, or a PID.
    ///   - tunnels: What the caller sees.
    ///   - seesAll: Whether he sees applications without a tunnel too.
    /// - Throws: `subject.unknown`.
    func report(_ asked: String, tunnels: [TunnelRecord], seesAll: Bool) async throws(ManagerError) -> AnalysisReport {
        let now = parts.recorder.clock.now()
        let (app, own) = try await find(asked, tunnels, seesAll)
        var subjects: [AnalysisReport.Subject] = []
        if let app { subjects.append(await subject(app, at: now)) }
        for record in own { subjects.append(await subject(record, at: now)) }
        let names = Set(own.map(\.name.text))
        let findings = parts.findings.findings(at: now).filter { finding in
            finding.tunnel.map(names.contains) ?? (finding.app != nil && finding.app == app)
        }
        let risk = RiskAssessment(findings, at: now)
        let threshold = await parts.findingThreshold
        let configuration = await parts.configuration.current.configuration
        let actions = await parts.responses.actions(about: findings)
        var report = AnalysisReport(
            asked: asked, enabled: parts.analysis.isOn(configuration), subjects: subjects, risk: risk.risk,
            arithmetic: risk.arithmetic, verdict: Self.verdict(risk.risk, threshold, subjects),
            findings: findings.map { FindingReport($0, threshold: threshold, action: actions[$0.id]) })
        report.opinions = await parts.models.opinions(of: app, tunnels: names, at: now)
        return report
    }

    /// One tunnel, or else the application of this name or process.
    ///
    /// - Throws: `subject.unknown`.
    func one(_ asked: String, tunnels: [TunnelRecord], seesAll: Bool) async throws(ManagerError) -> AnalysisSubject {
        let (app, own) = try await find(asked, tunnels, seesAll)
        if own.contains(where: { $0.name.text == asked }) { return .tunnel(asked) }
        return .application(app ?? asked)
    }

    private static func verdict(_ risk: Int, _ threshold: Int, _ subjects: [AnalysisReport.Subject]) -> String {
        if risk >= threshold { return "threat" }
        if risk * 2 >= threshold { return "suspicious" }
        if subjects.contains(where: { !$0.reasons.isEmpty }) { return "unusual" }
        return subjects.contains(where: \.learning) ? "learning" : "as usual"
    }

    private func find(
        _ asked: String, _ tunnels: [TunnelRecord], _ seesAll: Bool
    ) async throws(ManagerError) -> (app: String?, tunnels: [TunnelRecord]) {
        if let record = tunnels.first(where: { $0.name.text == asked }) {
            let app = record.draft.application
            return (app, app == nil ? [record] : tunnels.filter { $0.draft.application == app })
        }
        var name: String? = asked
        if let pid = Int32(asked) { name = await parts.analyst.application(of: pid) }
        if let name {
            let own = tunnels.filter { $0.draft.application == name }
            if !own.isEmpty { return (name, own) }
            if seesAll, await parts.analyst.processes(of: name) != nil { return (name, []) }
        }
        throw ManagerError(
            .subjectUnknown, "there is no tunnel, application or process \(printable(asked)) that you may see",
            hint: "dtm apps and dtm tunnels list them; a process that began a moment ago is known after a few seconds")
    }

    private func subject(_ app: String, at now: Timestamp) async -> AnalysisReport.Subject {
        let profile = await parts.analyst.profile(of: .application(app), at: now)
        return Self.subject(
            "application", app, pids: await parts.analyst.processes(of: app)?.sorted(), profile, facts: nil, at: now)
    }

    private func subject(_ record: TunnelRecord, at now: Timestamp) async -> AnalysisReport.Subject {
        let profile = await parts.analyst.profile(of: .tunnel(record.name.text), at: now)
        return Self.subject(
            "tunnel", record.name.text, pids: nil, profile, facts: TunnelFacts(record), at: now)
    }

    private static func subject(
        _ kind: String, _ name: String, pids: [Int32]?, _ profile: SubjectProfile?, facts: TunnelFacts?,
        at now: Timestamp
    ) -> AnalysisReport.Subject {
        guard let profile else {
            return .init(
                kind: kind, name: name, pids: pids, since: nil, learning: true, reasons: [],
                patterns: ["Nothing was seen yet: it is watched from now on."], recommendations: [], metrics: [])
        }
        return .init(
            kind: kind, name: name, pids: pids, since: profile.since.rfc3339, learning: profile.isLearning,
            reasons: profile.reasons(at: now), patterns: TrafficPattern.words(for: profile),
            recommendations: PerformanceAdvisor.recommendations(for: profile, facts: facts).map {
                .init(code: $0.code, advice: $0.advice, evidence: $0.evidence)
            },
            metrics: profile.figures.map { figures in
                .init(
                    name: figures.metric.rawValue, unit: figures.metric.unit, now: figures.now, minute: figures.minute,
                    hour: figures.hour, score: figures.score, recent: figures.recent.map { Double($0) })
            })
    }
}

extension TunnelFacts {
    init(_ record: TunnelRecord) {
        self.init()
        maximumConnections = Double(record.settings.limits.maximumConnections)
        idleTimeoutSeconds = Double(record.settings.limits.idleTimeoutMilliseconds) / 1_000
        intervalSeconds = Double(record.settings.schedule.intervalMilliseconds) / 1_000
        overlapSeconds = Double(record.settings.overlapMilliseconds) / 1_000
        let report = record.report(trustDomain: "")
        if let handshake = report.timings?.handshake, handshake.count > 0 {
            handshakeP99Milliseconds = Double(handshake.p99Micros) / 1_000
        }
        rotationFailures = report.rotationFailures
    }
}
