import DTMAPI
import DTMAnalysis
import DTMConfiguration
import DTMCore
import DTMModels
import ServiceLifecycle

/// Carries requests until it is shut down.
protocol ClosableModelTransport: ModelTransport {
    /// Ends requests that are under way. Bounded.
    func shutdown() async
}

extension HTTPTransport: ClosableModelTransport {}

/// Asks the models of the configuration for advice, every `analysis.intervalSeconds` while analysis is on.
///
/// Without models there is no transport, and no name is resolved. A configuration that changes which models are asked, or how,
/// ends the consultation that is under way and begins anew; any other leaves it alone.
struct ModelService: Service {
    let parts: ControlParts
    let credentials: String?
    let providerKey: ProviderKeyHolder
    let makeTransport: @Sendable () -> any ClosableModelTransport

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var reloads = parts.configuration.changes.subscribe().makeAsyncIterator()
            var settings = await parts.modelSettings
            while !Task.isCancelled { settings = await ask(settings, until: &reloads) }
        }
        await parts.models.use(nil)
    }

    /// Asks until the configuration says something else or the task is cancelled.
    private func ask(
        _ settings: ModelSettings, until reloads: inout AsyncStream<Void>.AsyncIterator
    ) async -> ModelSettings {
        guard !settings.models.isEmpty else {
            await parts.models.use(nil)
            return await change(of: settings, &reloads)
        }
        let transport = makeTransport()
        let panel = ModelPanel(
            settings: settings,
            keys: ManagerModelKeys(files: ModelKeyFiles(credentials: credentials), holder: providerKey),
            transport: transport, clock: SteadyModelClock(parts.recorder.clock))
        await parts.models.use(panel)
        let changed = await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await consultAgainAndAgain(panel, settings.interval) }
            defer { group.cancelAll() }
            return await change(of: settings, &reloads)
        }
        await transport.shutdown()
        return changed
    }

    private func change(
        of settings: ModelSettings, _ reloads: inout AsyncStream<Void>.AsyncIterator
    ) async -> ModelSettings {
        while await reloads.next(isolation: nil) != nil {
            let current = await parts.modelSettings
            if current != settings { return current }
        }
        return settings
    }

    private func consultAgainAndAgain(_ panel: ModelPanel, _ interval: Duration) async throws {
        let advising = ModelAdvising(desk: parts.models, findings: parts.findings, recorder: parts.recorder)
        var issued = 0
        while !Task.isCancelled {
            try await Task.sleep(for: interval)
            guard parts.analysis.isOn(await parts.configuration.current.configuration) else { continue }
            let briefing = await parts.briefing()
            // First kept, then told.
            issued = await keepBook(after: issued)
            await advising.consult(panel, briefing, threshold: await parts.findingThreshold)
        }
    }

    /// A pseudonym that was given out is kept, so that it never stands for another application.
    private func keepBook(after issued: Int) async -> Int {
        guard let keeper = parts.state, let book = await parts.models.book(after: issued) else { return issued }
        await keeper.keep(pseudonyms: book)
        // A failure has been recorded, and the next save is not far.
        try? await keeper.save()
        return book.issued
    }
}

extension ControlParts {
    /// How the configuration in force wants models to be asked.
    var modelSettings: ModelSettings {
        get async {
            let configuration = await configuration.current.configuration
            let interval = Duration.milliseconds(Int64(configuration.analysis.intervalSeconds * 1_000))
            return ModelSettings(models: configuration.modelEndpoints, interval: interval)
        }
    }

    /// All tunnels, with the applications behind them.
    var tunnelsOfApplications: [(name: String, app: String?)] {
        get async { await registry.records.map { ($0.name.text, $0.draft.application) } }
    }

    /// What a model would be told now.
    func briefing() async -> Briefing {
        let now = recorder.clock.now()
        return await models.brief(
            await analyst.known, tunnels: await tunnelsOfApplications, findings: findings.findings(at: now), at: now)
    }

    /// Exactly what models would be sent now.
    func modelPrompt() async -> ModelPromptReport {
        let briefing = await briefing()
        return ModelPromptReport(
            enabled: analysis.isOn(await configuration.current.configuration),
            applications: briefing.brief.applications.count, requests: await models.prompt(for: briefing))
    }
}
