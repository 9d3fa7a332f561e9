import DTMAnalysis
import DTMCore
import DTMModels

/// One consultation: the brief goes out, what comes back is shown. It has no way to responses: they are told of findings by
/// ``FindingService`` and ``AnalystService``, and of none by this.
struct ModelAdvising: Sendable {
    let desk: ModelDesk
    let findings: FindingDesk
    let recorder: EventRecorder

    /// Asks the panel once. With nothing to tell of, or when the task is cancelled, nothing comes of it.
    func consult(_ panel: ModelPanel, _ briefing: Briefing, threshold: Int) async {
        guard !briefing.brief.applications.isEmpty else { return }
        let outcome = await panel.consult(briefing.brief)
        guard !Task.isCancelled else { return }
        let now = recorder.clock.now()
        let told = await desk.take(outcome, about: briefing, threshold: threshold, at: now)
        for sighting in told.sightings {
            guard case .raised(let finding) = findings.advise(sighting) else { continue }
            recorder.record(finding.event(Event.Kind.modelAttention, at: now, threshold: threshold))
        }
        let health = await panel.health
        for change in told.changes { record(change, health) }
    }

    private func record(_ change: ModelWatch.Change, _ health: [ProviderHealth]) {
        func name(_ index: Int) -> DetailValue {
            .string(health.indices.contains(index) ? "\(health[index].provider.rawValue) \(health[index].model)" : "")
        }
        switch change {
        case .failed(let failure):
            var detail: [String: DetailValue] = [
                "model": name(failure.index), "code": .string("models.\(failure.code.rawValue)"),
                "reason": .string(failure.message),
                "effect": "the next model is asked; without any, the embedded analyst is alone",
            ]
            if let hint = failure.hint { detail["hint"] = .string(hint) }
            recorder.record(Event.Kind.modelFailed, .warning, detail)
        case .recovered(let index):
            recorder.record(Event.Kind.modelRecovered, .notice, ["model": name(index)])
        }
    }
}
