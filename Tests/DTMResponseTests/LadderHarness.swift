import DTMCore
import DTMResponse

extension ResponseSubject {
    static let mallory = ResponseSubject.identity("spiffe://dtm/mallory")
    static let scanner = ResponseSubject.program(uid: 1_001, executable: "/usr/bin/nmap")
}

extension ResponseOutput {
    /// As `perform rotate`, `undo quarantine expired`, for a readable expectation.
    var short: String {
        switch self {
        case .perform(let response): "perform \(response.rung.name)"
        case .undo(let response, let end): "undo \(response.rung.name) \(end.rawValue)"
        case .notify: "notify"
        case .propose(let response): "propose \(response.rung.name)"
        case .withdraw(let response, let end): "withdraw \(response.rung.name) \(end.rawValue)"
        case .withhold(let rung, _, _, _): "withhold \(rung.name)"
        }
    }
}

/// A ladder whose orders are carried out at once.
struct LadderHarness {
    var ladder: ResponseLadder
    /// Seconds since the start.
    var time: Int64 = 0
    /// What came out since it was taken last.
    var outputs: [ResponseOutput] = []

    init(_ mode: ResponseMode = .protect, applications: Int = 30, change: (inout ResponsePolicy) -> Void = { _ in }) {
        var policy = ResponsePolicy(mode: mode)
        change(&policy)
        ladder = ResponseLadder(policy: policy)
        ladder.count(applications: applications)
    }

    var now: Timestamp { Timestamp(seconds: 1_000_000 + time) }

    mutating func carryOut(_ orders: [ResponseOutput], _ outcome: ResponseOutcome = .done) {
        outputs += orders
        for order in orders {
            switch order {
            case .perform(let response): carryOut(ladder.outcome(of: response.id, outcome, at: now))
            case .undo(let response, _): carryOut(ladder.outcome(of: response.id, .done, at: now))
            default: break
            }
        }
    }

    mutating func find(
        _ subject: ResponseSubject = .mallory, risk: Int = 90, tunnel: String? = "redis", source: Finding.Source = .rule
    ) {
        carryOut(
            ladder.take(
                Finding(
                    id: "f", code: "test.finding", time: now, subject: subject, tunnel: tunnel, risk: risk,
                    title: "something was seen", source: source), at: now))
    }

    mutating func sample(_ risk: Int, _ subject: ResponseSubject = .mallory) {
        carryOut(ladder.sample(subject, risk: risk, tunnel: "redis", at: now))
    }

    mutating func wait(_ seconds: Int64) {
        time += seconds
        carryOut(ladder.tick(at: now))
    }

    /// Evidence once a minute, so many times.
    mutating func press(_ times: Int, _ subject: ResponseSubject = .mallory) {
        for _ in 0..<times {
            find(subject)
            wait(60)
        }
    }

    mutating func taken() -> [String] {
        defer { outputs = [] }
        return outputs.map(\.short)
    }

    mutating func approve(_ id: Response.ID) throws { carryOut(try ladder.approve(id, at: now)) }

    func proposal(_ rung: ResponseRung) -> Response? { ladder.journal.proposals.first { $0.rung == rung } }
    func active(_ rung: ResponseRung) -> Response? { ladder.journal.active.first { $0.rung == rung } }
}
