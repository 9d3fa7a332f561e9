import DTMCore

/// One model of the panel: what it is, what was learned of it, and what it may still have.
struct PanelMember: Sendable {
    let endpoint: ModelEndpoint
    let dialect: any ModelDialect
    private let successors: [String]
    private var successor = 0
    var plan: RequestPlan
    var breaker = Breaker()
    private var requests: TokenBucket
    private var tokens: TokenBucket
    private(set) var budget = DailyBudget()
    private(set) var holdUntil: Timestamp?
    var lastFailure: ModelFailure.Code?
    var lastAdvice: Timestamp?

    init(_ endpoint: ModelEndpoint, at now: Timestamp) {
        self.endpoint = endpoint.bounded
        dialect = endpoint.provider.dialect
        successors = ModelTable.successors(of: endpoint.model, at: endpoint.provider)
        plan = ModelTable.plan(for: successors.first ?? endpoint.model, at: endpoint.provider)
        requests = TokenBucket(perMinute: self.endpoint.requestsPerMinute, at: now)
        tokens = TokenBucket(perMinute: self.endpoint.tokensPerMinute, at: now)
    }

    /// The name that it is asked by.
    var model: String { successors.indices.contains(successor) ? successors[successor] : endpoint.model }

    /// For messages.
    var name: String { "\(endpoint.provider.rawValue) \(model) at \(endpoint.url.host)" }

    var source: ModelAdvice.Source { ModelAdvice.Source(provider: endpoint.provider, model: model) }

    /// Goes on to the model's successor; false when there is none, and then the first is the next to be tried again.
    mutating func turnToSuccessor() -> Bool {
        let hasNext = successor + 1 < successors.count
        successor = hasNext ? successor + 1 : 0
        plan = ModelTable.plan(for: model, at: endpoint.provider)
        return hasNext
    }

    /// Why it may not be asked at all; nil when it may.
    func closed(at now: Timestamp) -> ModelFailure.Code? {
        if breaker.state(at: now) == .open { return .breakerOpen }
        if let holdUntil, now < holdUntil { return .onHold }
        return nil
    }

    /// Takes one request and its tokens; otherwise says why there is none.
    mutating func admit(tokens amount: Int, at now: Timestamp) -> ModelFailure.Code? {
        budget.turn(to: now)
        guard budget.requests < endpoint.dailyRequests, budget.tokens + amount <= endpoint.dailyTokens else {
            return .budgetSpent
        }
        // Both are asked, so that both are filled up.
        let hasRequest = requests.has(1, at: now)
        guard tokens.has(amount, at: now), hasRequest else { return .throttled }
        requests.take(1)
        tokens.take(amount)
        budget.add(requests: 1, tokens: amount)
        return nil
    }

    /// Puts what was used in place of what was taken for it.
    mutating func settle(taken: Int, used: Int?) {
        // What a provider says is believed within bounds: neither nothing nor without end.
        guard let used, (1...10_000_000).contains(used) else { return }
        if used < taken { tokens.giveBack(taken - used) } else { tokens.take(used - taken) }
        budget.add(requests: 0, tokens: used - taken)
    }

    /// Leaves it alone for a while.
    mutating func hold(_ duration: Duration, from now: Timestamp) {
        holdUntil = max(holdUntil ?? now, now + duration)
    }

    func health(at now: Timestamp) -> ProviderHealth {
        var today = budget
        today.turn(to: now)
        return ProviderHealth(
            provider: endpoint.provider, model: model, host: endpoint.url.host, state: state(at: now, today),
            failures: breaker.failures, lastFailure: lastFailure, lastAdvice: lastAdvice, mode: plan.mode.name,
            requestsToday: today.requests, tokensToday: today.tokens)
    }

    private func state(at now: Timestamp, _ today: DailyBudget) -> ProviderHealth.State {
        switch breaker.state(at: now) {
        case .open: return .open
        case .halfOpen: return .halfOpen
        case .closed: break
        }
        if let holdUntil, now < holdUntil { return .onHold(until: holdUntil) }
        let isSpent = today.requests >= endpoint.dailyRequests || today.tokens >= endpoint.dailyTokens
        return isSpent ? .budgetSpent : .ready
    }
}

extension ModelEndpoint {
    /// With everything within ``Bounds``.
    fileprivate var bounded: Self {
        var copy = self
        func clamp<Value: Comparable>(_ value: Value, _ range: ClosedRange<Value>) -> Value {
            min(max(value, range.lowerBound), range.upperBound)
        }
        copy.temperature = temperature.flatMap { $0.isFinite ? clamp($0, Bounds.temperature) : nil }
        copy.maximumTokens = clamp(maximumTokens, Bounds.maximumTokens)
        copy.requestsPerMinute = clamp(requestsPerMinute, Bounds.requestsPerMinute)
        copy.tokensPerMinute = clamp(tokensPerMinute, Bounds.tokensPerMinute)
        copy.dailyRequests = clamp(dailyRequests, Bounds.dailyRequests)
        copy.dailyTokens = clamp(dailyTokens, Bounds.dailyTokens)
        return copy
    }
}
