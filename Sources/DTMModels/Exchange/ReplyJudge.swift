import DTMCore

/// What to do with what a provider sent, or did not send. Status → refusal → finish reason → answer, in this order.
struct ReplyJudge {
    enum Verdict: Hashable, Sendable {
        case advice(ModelAdvice, tokens: Int?)
        /// Ask again at once, in another way.
        case adapt(RequestPlan)
        /// Ask the successor of the model.
        case nextModel(Trouble)
        /// May be asked again as it is, after the wait when the provider says one.
        case retry(Trouble, after: Duration?)
        /// Leave it, and for so long when the provider says how long.
        case giveUp(Trouble, hold: Duration?)
    }

    /// What went wrong: becomes a ``ModelFailure``.
    struct Trouble: Hashable, Sendable {
        var code: ModelFailure.Code
        var detail: String?
    }

    let dialect: any ModelDialect
    let plan: RequestPlan
    let reader: AnswerReader
    let source: ModelAdvice.Source
    let now: Timestamp

    static func verdict(on failure: TransportFailure) -> Verdict {
        switch failure {
        case .unreachable: .retry(Trouble(code: .unreachable), after: nil)
        case .timedOut: .retry(Trouble(code: .timedOut), after: nil)
        case .brokenOff: .retry(Trouble(code: .brokenOff), after: nil)
        case .tooLarge: .giveUp(Trouble(code: .tooLarge), hold: nil)
        case .cancelled: .giveUp(Trouble(code: .cancelled), hold: nil)
        }
    }

    func verdict(on reply: IncomingReply) -> Verdict {
        guard reply.status == 200 else { return refusal(reply) }
        guard isJSON(reply) else { return .giveUp(Trouble(code: .contentType), hold: nil) }
        do throws(AnswerReader.Objection) {
            return try judge(try envelope(reply.body))
        } catch {
            return .giveUp(Trouble(code: .malformed, detail: error.rule), hold: nil)
        }
    }

    private func judge(_ reply: ModelReply) throws(AnswerReader.Objection) -> Verdict {
        switch reply.outcome {
        case .refusal: .giveUp(Trouble(code: .refused), hold: nil)
        case .truncated: .giveUp(Trouble(code: .truncated), hold: nil)
        case .filtered: .giveUp(Trouble(code: .filtered), hold: nil)
        case .answer(.text(let text)): .advice(try reader.advice(from: text, source: source), tokens: reply.tokens)
        case .answer(.node(let node)): .advice(try reader.advice(from: node, source: source), tokens: reply.tokens)
        }
    }

    private func envelope(_ body: [UInt8]) throws(AnswerReader.Objection) -> ModelReply {
        let node = try AnswerReader.parse(body)
        guard !node.hasRepeatedNames else { throw .init("a reply has no key twice") }
        return try dialect.reply(from: node)
    }

    private func isJSON(_ reply: IncomingReply) -> Bool {
        let type = (reply.header("content-type") ?? "").lowercased().prefix { $0 != ";" && $0 != " " }
        return type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
    }

    private func refusal(_ reply: IncomingReply) -> Verdict {
        let complaint = ProviderComplaint(reply.body)
        if complaint.isQuota { return .giveUp(Trouble(code: .quota), hold: RetryAfter.maximum) }
        if let plan = adapted(reply.status, complaint) { return .adapt(plan) }
        let trouble = Trouble(code: Self.code(reply.status, complaint), detail: "status \(reply.status)")
        if trouble.code == .modelUnknown { return .nextModel(trouble) }
        let wait = RetryAfter.wait(reply, at: now)
        guard shouldRetry(reply) else { return .giveUp(trouble, hold: trouble.code == .rateLimited ? wait : nil) }
        return .retry(trouble, after: wait)
    }

    private static func code(_ status: Int, _ complaint: ProviderComplaint) -> ModelFailure.Code {
        switch status {
        case 300..<400: .redirected
        case 401, 403: .unauthorized
        case 404 where complaint.isModelUnknown: .modelUnknown
        case 400 where complaint.isModelUnknown: .modelUnknown
        case 408: .timedOut
        case 429: .rateLimited
        case 500...: .serverError
        default: .rejected
        }
    }

    private func shouldRetry(_ reply: IncomingReply) -> Bool {
        switch reply.header("x-should-retry") {
        case "true": true
        case "false": false
        default: [408, 409, 429].contains(reply.status) || reply.status >= 500
        }
    }

    /// Another way to ask, when the provider names what it does not understand.
    private func adapted(_ status: Int, _ complaint: ProviderComplaint) -> RequestPlan? {
        var next = plan
        guard [400, 404, 422, 500, 501].contains(status) else { return nil }
        if status < 500, let refused = complaint.refused, !plan.dropped.contains(refused) {
            if refused == .tokenLimit, plan.tokenLimit == .maximumTokens, complaint.wantsCompletionTokens {
                next.tokenLimit = .maximumCompletionTokens
            } else {
                next.dropped.insert(refused)
            }
            return next
        }
        return complaint.isAboutFormat ? plan.withLesserMode(of: dialect.modes) : nil
    }
}

extension RequestPlan {
    /// The same with the next mode down; nil at the last.
    func withLesserMode(of modes: [StructuredMode]) -> RequestPlan? {
        guard let mode = modes.first(where: { $0.rawValue > mode.rawValue }) else { return nil }
        var next = self
        next.mode = mode
        next.isConfirmed = false
        return next
    }
}
