import DTMCore
import DTMSecrets

extension ModelPanel {
    /// Asks one model, again and in other ways as far as that helps.
    func question(
        _ index: Int, _ prompt: ModelPrompt, until deadline: Timestamp
    ) async throws(ModelFailure) -> ModelAdvice {
        let key = try await key(index)
        var retries = 0
        for _ in 0..<RetryPolicy.maximumRequests {
            guard clock.now() < deadline else { throw failure(.noTime, index) }
            switch try await request(index, prompt, key, until: deadline) {
            case .advice(let advice, _):
                members[index].plan.isConfirmed = true
                return advice
            case .adapt(let plan): members[index].plan = plan
            case .nextModel(let trouble):
                guard members[index].turnToSuccessor() else { throw failure(trouble, index) }
            case .retry(let trouble, let wait):
                if retries >= RetryPolicy.maximumRetries {
                    guard stepDown(index, after: trouble) else { throw failure(trouble, index) }
                } else {
                    try await pause(index, trouble, wait, retry: retries, until: deadline)
                    retries += 1
                }
            case .giveUp(let trouble, let hold):
                if let hold { members[index].hold(hold, from: clock.now()) }
                throw failure(trouble, index)
            }
        }
        throw failure(.noTime, index)
    }

    /// Some servers answer with 500 to a format that they do not know, without naming it.
    private func stepDown(_ index: Int, after trouble: ReplyJudge.Trouble) -> Bool {
        let member = members[index]
        guard trouble.code == .serverError, trouble.detail == "status 500", !member.plan.isConfirmed,
            let plan = member.plan.withLesserMode(of: member.dialect.modes)
        else { return false }
        members[index].plan = plan
        return true
    }

    /// One request, within the budgets.
    private func request(
        _ index: Int, _ prompt: ModelPrompt, _ key: SharedSecret?, until deadline: Timestamp
    ) async throws(ModelFailure) -> ReplyJudge.Verdict {
        if Task.isCancelled { throw failure(.cancelled, index) }
        let taken = members[index].estimatedTokens(prompt)
        if let code = members[index].admit(tokens: taken, at: clock.now()) { throw failure(code, index) }
        let outgoing = members[index].request(prompt, key: key, limit: deadline - clock.now())
        do throws(TransportFailure) {
            let reply = try await transport.send(outgoing)
            if let wait = RetryAfter.exhaustion(reply, at: clock.now()) {
                members[index].hold(wait, from: clock.now())
            }
            let verdict = judge(index, prompt).verdict(on: reply)
            if case .advice(_, let used) = verdict { members[index].settle(taken: taken, used: used) }
            return verdict
        } catch {
            return ReplyJudge.verdict(on: error)
        }
    }

    private func judge(_ index: Int, _ prompt: ModelPrompt) -> ReplyJudge {
        let member = members[index]
        return ReplyJudge(
            dialect: member.dialect, plan: member.plan, reader: AnswerReader(evidence: prompt.evidence),
            source: member.source, now: clock.now())
    }

    /// Waits before a retry. A wait that is too long for here becomes a hold.
    private func pause(
        _ index: Int, _ trouble: ReplyJudge.Trouble, _ asked: Duration?, retry: Int, until deadline: Timestamp
    ) async throws(ModelFailure) {
        let wait = asked ?? RetryPolicy.delay(before: retry, random: random())
        guard wait <= RetryPolicy.longestWait, clock.now() + wait < deadline else {
            if asked != nil { members[index].hold(wait, from: clock.now()) }
            throw failure(trouble, index)
        }
        do {
            try await clock.sleep(for: wait)
        } catch {
            throw failure(.cancelled, index)
        }
    }

    private func key(_ index: Int) async throws(ModelFailure) -> SharedSecret? {
        let endpoint = members[index].endpoint
        do {
            let key = try await keys.key(for: endpoint)
            if key == nil, endpoint.provider.needsKey || endpoint.key != .none { throw failure(.noKey, index) }
            return key
        } catch let failure as ModelFailure {
            throw failure
        } catch {
            throw failure(Task.isCancelled ? .cancelled : .noKey, index, cause: error)
        }
    }

    private func failure(_ trouble: ReplyJudge.Trouble, _ index: Int) -> ModelFailure {
        ModelFailure(trouble.code, of: members[index].name, detail: trouble.detail)
    }
}

extension PanelMember {
    /// The request as it is sent; the prompt alone decides what is in its body.
    func request(_ prompt: ModelPrompt, key: SharedSecret?, limit: Duration = .zero) -> OutgoingRequest {
        let body = dialect.body(
            ModelRequest(
                model: model, prompt: prompt, plan: plan, temperature: endpoint.temperature,
                maximumTokens: endpoint.maximumTokens))
        let header = dialect.keyHeader
        return OutgoingRequest(
            url: endpoint.url.description + dialect.path, headers: dialect.headers,
            key: key.map { (header.name, header.prefix, $0) }, body: Array(JSONWriter.compact(body).utf8), limit: limit)
    }

    /// The prompt, the schema, and the longest answer.
    func estimatedTokens(_ prompt: ModelPrompt) -> Int { prompt.estimatedTokens + 400 + endpoint.maximumTokens }
}
