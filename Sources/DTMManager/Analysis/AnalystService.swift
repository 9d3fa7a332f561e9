import DTMAnalysis
import DTMConfiguration
import DTMCore
import ServiceLifecycle

/// Gives the analyst each second of each tunnel, and makes findings of what it says.
struct AnalystService: Service {
    let parts: ControlParts
    let clock: any TimeSource
    /// Told of each finding that is new, worse than before, or seen again.
    let onFinding: @Sendable (Finding) async -> Void

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await look()
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func look() async {
        let records = await parts.registry.records
        let seconds = parts.registry.traffic.second(of: records.map(\.id))
        let tunnels = records.map { record in
            (name: record.name.text, app: record.draft.application, values: seconds[record.id] ?? [:])
        }
        let names = Dictionary(records.map { ($0.id, $0.name.text) }) { first, _ in first }
        let accepted = parts.registry.traffic.takeBeginnings().compactMap { beginning in
            names[beginning.tunnel].map {
                AcceptedConnection(identity: beginning.identity, tunnel: $0, time: beginning.time)
            }
        }
        let configuration = await parts.configuration.current.configuration
        let sightings = await parts.analyst.tick(
            tunnels, accepted: accepted, isOn: parts.analysis.isOn(configuration), at: clock.now())
        for sighting in sightings { await tell(sighting) }
    }

    private func tell(_ sighting: Sighting) async {
        switch parts.findings.take(sighting) {
        case .raised(let finding):
            parts.recorder.record(
                finding.event(Event.Kind.findingRaised, at: clock.now(), threshold: await parts.findingThreshold))
            await onFinding(finding)
        case .repeated(let finding): await onFinding(finding)
        case .hidden: break
        }
    }
}
