import DTMAPI
import DTMAnalysis
import DTMCore
import Hummingbird

/// `/v1/analysis/NAME/baseline` and `…/train`: takes what was learnt elsewhere, puts it in the place of what is known, and
/// teaches a series from a table. For who may steer: whoever chooses what is usual chooses what is found.
struct BaselineRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("analysis/:name/baseline") { _, context in
            let subject = try await subject(context)
            guard let bytes = await parts.analyst.baseline(of: subject) else {
                throw ManagerError(
                    .subjectUnknown, "nothing was learnt of \(printable(subject.name)) yet",
                    hint: "dtm analyze NAME shows what is known of it")
            }
            return try APIResponse.json(
                BaselineDocument(kind: subject.kind, name: subject.name, baseline: Base64.encode(bytes)))
        }
        group.put("analysis/:name/baseline") { request, context in
            let subject = try await subject(context)
            let document = try await APIRequest.body(
                BaselineDocument.self, of: request, upTo: BaselineDocument.maximumBytes)
            return try APIResponse.json(try await install(document, subject, by: try context.caller.uid))
        }
        group.post("analysis/:name/train") { request, context in
            let subject = try await subject(context)
            let training = try await APIRequest.body(
                SeriesTraining.self, of: request, upTo: SeriesTraining.maximumBytes)
            return try APIResponse.json(try await train(training, subject, by: try context.caller.uid))
        }
    }

    private func subject(_ context: APIContext) async throws -> AnalysisSubject {
        let caller = try context.caller
        try parts.requireSteering(caller)
        return try await AnalysisReporting(parts: parts).one(
            try context.parameters.require("name"), tunnels: await parts.registry.records, seesAll: true)
    }

    private func install(
        _ document: BaselineDocument, _ subject: AnalysisSubject, by uid: UInt32
    ) async throws -> BaselineReport {
        guard document.schemaVersion == apiSchemaVersion, let bytes = Base64.decode(document.baseline) else {
            throw ManagerError(
                .requestInvalid, "this is no baseline of this version",
                hint: "give a file that dtm analyze export of this version wrote")
        }
        let profile = try await refusing {
            try await parts.analyst.install(bytes, for: subject, at: parts.recorder.clock.now())
        }
        return await done(
            Event.Kind.analysisImported, subject, profile, uid, ["from": .string(printable(document.name))])
    }

    private func train(
        _ training: SeriesTraining, _ subject: AnalysisSubject, by uid: UInt32
    ) async throws -> BaselineReport {
        let allowed = Metric.judged(of: subject)
        guard let metric = allowed.first(where: { $0.rawValue == training.metric }) else {
            throw ManagerError(
                .requestInvalid, "\(printable(training.metric)) is no series that is judged of this \(subject.kind)",
                hint: "one of " + allowed.map(\.rawValue).joined(separator: ", "))
        }
        let most = Analyst.Training.maximumRows
        guard training.times.count == training.values.count, (1...most).contains(training.times.count) else {
            throw ManagerError(
                .requestInvalid,
                "there are \(training.times.count) times and \(training.values.count) values; as many of both, and 1 to "
                    + "\(most), are allowed")
        }
        let learnt = await Self.learn(metric, training)
        let profile = try await refusing {
            try await parts.analyst.install(learnt, for: subject, at: parts.recorder.clock.now())
        }
        return await done(
            Event.Kind.analysisTrained, subject, profile, uid,
            ["metric": .string(metric.rawValue), "rows": .integer(Int64(training.times.count))])
    }

    /// Off every actor: it takes a moment.
    @concurrent private static func learn(_ metric: Metric, _ training: SeriesTraining) async -> Analyst.Training {
        Analyst.Training(
            metric,
            from: zip(training.times, training.values).map { SeriesSample(time: $0, value: $1 ?? .nan) })
    }

    private func refusing<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as DetectorStateError {
            throw ManagerError(
                .requestInvalid, error.message, hint: "give a file that dtm analyze export of this version wrote")
        }
    }

    private func done(
        _ kind: String, _ subject: AnalysisSubject, _ profile: SubjectProfile?, _ uid: UInt32,
        _ detail: [String: DetailValue]
    ) async -> BaselineReport {
        var detail = detail
        detail["uid"] = .integer(Int64(uid))
        var event = Event(
            time: parts.recorder.clock.now(), kind: kind, severity: .notice, detail: detail)
        if subject.kind == "tunnel" { event.tunnel = subject.name } else { event.app = subject.name }
        parts.recorder.record(event)
        await parts.saveBaselines()
        return BaselineReport(
            kind: subject.kind, name: subject.name, learning: profile?.isLearning ?? true,
            metrics: (profile?.learning ?? []).map { .init(name: $0.metric.rawValue, learning: $0.isLearning) })
    }
}

extension AnalysisSubject {
    /// As the API has it.
    fileprivate var kind: String { if case .tunnel = self { "tunnel" } else { "application" } }
}
