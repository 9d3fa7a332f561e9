import DTMCore

/// Several models, asked one after the other until one gives advice; otherwise the embedded analyst is alone.
///
/// Its life: construct (nothing is opened, resolved or sent) → ``consult(_:)`` once an interval, one at a time → let go,
/// and shut the transport down. Changed settings make a new one. Nothing here throws at its caller, waits longer than
/// ``ModelSettings/interval``, or grows without bound; cancelling the caller's task ends a consultation.
public actor ModelPanel {
    let settings: ModelSettings
    let keys: any ModelKeySupply
    let transport: any ModelTransport
    let clock: any ModelClock
    /// 0 to 1.
    let random: @Sendable () -> Double
    var members: [PanelMember]
    var cache: AnswerCache
    /// What the applications were last told as.
    private var settled = CoarseBrief()
    /// The last advice: of what, which, and when.
    private var latest: (brief: CoarseBrief, advice: ModelAdvice, time: Timestamp)?
    private var isConsulting = false

    public init(
        settings: ModelSettings, keys: any ModelKeySupply, transport: any ModelTransport,
        clock: any ModelClock = SteadyModelClock(),
        random: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
    ) {
        self.settings = settings
        self.keys = keys
        self.transport = transport
        self.clock = clock
        self.random = random
        let now = clock.now()
        members = settings.models.map { PanelMember($0, at: now) }
        cache = AnswerCache(lifetime: settings.cacheLifetime)
    }

    /// How each model does, in the order of the settings.
    public var health: [ProviderHealth] {
        let now = clock.now()
        return members.map { $0.health(at: now) }
    }

    /// Asks for advice, unless nothing notable has changed.
    public func consult(_ brief: AnalysisBrief) async -> PanelOutcome {
        guard !members.isEmpty, !isConsulting else { return PanelOutcome() }
        isConsulting = true
        defer { isConsulting = false }
        settled = CoarseBrief(brief, since: settled)
        guard !settled.applications.isEmpty else { return PanelOutcome() }
        let now = clock.now()
        if let latest, latest.brief == settled, now < latest.time + settings.refresh {
            return .told(latest.advice, .unchanged)
        }
        let outcome = await ask(ModelPrompt(settled), until: now + settings.limit)
        if let advice = outcome.advice {
            latest = (settled, advice, clock.now())
        }
        return outcome
    }

    /// Exactly what would be sent to each model for `brief` now, whether or not it has to be asked; sends nothing and
    /// remembers nothing.
    public func showPrompt(for brief: AnalysisBrief) -> [ShownRequest] {
        let prompt = ModelPrompt(CoarseBrief(brief, since: settled))
        return members.map { member in
            let request = member.request(prompt, key: nil)
            let key = member.endpoint.key == .none ? [] : ["\(member.dialect.keyHeader.name): ********"]
            return ShownRequest(
                url: request.url, headers: request.headers.map { "\($0.name): \($0.value)" } + key,
                body: String(decoding: request.body, as: UTF8.self))
        }
    }

    private func ask(_ prompt: ModelPrompt, until deadline: Timestamp) async -> PanelOutcome {
        var failures: [PanelOutcome.FailedModel] = []
        for index in members.indices {
            switch await advice(of: index, prompt, until: deadline) {
            case .success(let (advice, origin)): return .told(advice, origin, after: failures)
            case .failure(let failure):
                failures.append(.init(failure, at: index))
                if failure.code == .cancelled { return PanelOutcome(failures: failures) }
            }
        }
        return PanelOutcome(failures: failures)
    }

    private func advice(
        of index: Int, _ prompt: ModelPrompt, until deadline: Timestamp
    ) async -> Result<(ModelAdvice, PanelOutcome.Origin), ModelFailure> {
        let now = clock.now()
        let known = cache.advice(for: cacheKey(index, prompt), at: now)
        if let known { return .success((known, .cache)) }
        if let code = members[index].closed(at: now) { return .failure(failure(code, index)) }
        do throws(ModelFailure) {
            let advice = try await question(index, prompt, until: deadline)
            members[index].breaker.succeed()
            members[index].lastAdvice = clock.now()
            cache.keep(advice, for: cacheKey(index, prompt), at: clock.now())
            return .success((advice, .asked))
        } catch {
            note(error, of: index)
            return .failure(error)
        }
    }

    /// What says nothing about the model does not count against it.
    private func note(_ failure: ModelFailure, of index: Int) {
        members[index].lastFailure = failure.code
        switch failure.code {
        case .cancelled, .throttled, .budgetSpent, .noTime, .onHold, .breakerOpen: break
        default: members[index].breaker.fail(at: clock.now())
        }
    }

    private func cacheKey(_ index: Int, _ prompt: ModelPrompt) -> AnswerCache.Key {
        let request = members[index].request(prompt, key: nil)
        return AnswerCache.Key(provider: members[index].endpoint.provider, url: request.url, body: request.body)
    }

    func failure(_ code: ModelFailure.Code, _ index: Int, cause: (any Error)? = nil) -> ModelFailure {
        ModelFailure(code, of: members[index].name, cause: cause)
    }
}
