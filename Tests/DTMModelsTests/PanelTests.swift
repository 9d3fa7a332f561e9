import DTMCore
import DTMTestSupport
import Synchronization
import Testing

@testable import DTMModels

/// A transport without sockets: what it is asked, and what it answers.
final class FakeTransport: ModelTransport {
    private let state:
        Mutex<(requests: [String], answer: @Sendable (String) -> Result<IncomingReply, TransportFailure>)>

    init(_ answer: @escaping @Sendable (String) -> Result<IncomingReply, TransportFailure>) {
        state = Mutex(([], answer))
    }

    var requests: [String] { state.withLock { $0.requests } }

    func send(_ request: OutgoingRequest) async throws(TransportFailure) -> IncomingReply {
        let body = String(decoding: request.body, as: UTF8.self)
        let answer = state.withLock { state in
            state.requests.append(request.url)
            return state.answer
        }
        return try answer(body).get()
    }

    static let quiet = #"{"overall": "Nothing stands out.", "applications": []}"#

    static func ok(_ text: String, headers: [(name: String, value: String)] = []) -> IncomingReply {
        IncomingReply(
            status: 200, headers: headers + [(name: "content-type", value: "application/json")],
            body: completion(text))
    }
}

struct PanelTests {
    private func panel(
        _ transport: FakeTransport, _ clock: TestClock, models: Int = 1,
        _ change: (inout ModelEndpoint) -> Void = { _ in }
    ) throws -> ModelPanel {
        let endpoints = try (0..<models).map { index in
            var endpoint = ModelEndpoint(
                provider: .openAICompatible, url: try #require(ModelURL("https://model-\(index).test/v1")), model: "m")
            change(&endpoint)
            return endpoint
        }
        return ModelPanel(
            settings: ModelSettings(models: endpoints), keys: FixedKeys(secret: nil), transport: transport,
            clock: clock,
            random: { 1 })
    }

    private static let quiet: @Sendable (String) -> Result<IncomingReply, TransportFailure> = { _ in
        .success(FakeTransport.ok(FakeTransport.quiet))
    }
    private static let down: @Sendable (String) -> Result<IncomingReply, TransportFailure> = { _ in
        .failure(.unreachable)
    }

    @Test func `Without models nothing is sent`() async throws {
        let transport = FakeTransport(Self.quiet)
        let panel = try panel(transport, TestClock(), models: 0)
        #expect(await panel.consult(brief()) == PanelOutcome())
        #expect(transport.requests == [])
    }

    @Test func `A machine whose numbers only tremble costs at most 50 calls a day`() async throws {
        let transport = FakeTransport(Self.quiet)
        let clock = TestClock()
        let panel = try panel(transport, clock)
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<1_440 {
            let applications = (1...10).map { number in
                let features = Dictionary(
                    uniqueKeysWithValues: Feature.allCases.enumerated().map { index, feature in
                        (feature, Double(index * 37 + number * 11) * Double.random(in: 0.6...1.4, using: &generator))
                    })
                return ApplicationBrief(
                    pseudonym: Pseudonym(number: number), tier: .fronted,
                    risk: 15 + Int.random(in: -5...5, using: &generator), features: features)
            }
            let outcome = await panel.consult(AnalysisBrief(applications: applications))
            #expect(outcome.advice != nil)
            clock.advance(.seconds(60))
        }
        #expect(transport.requests.count <= 50, "\(transport.requests.count) calls")
    }

    @Test func `What was answered a short while ago is not asked again`() async throws {
        let transport = FakeTransport(Self.quiet)
        let clock = TestClock()
        let panel = try panel(transport, clock)
        #expect(await panel.consult(brief()).origin == .asked)
        #expect(await panel.consult(brief()).origin == .unchanged)
        #expect(await panel.consult(brief(connections: 5_000)).origin == .asked)
        #expect(await panel.consult(brief()).origin == .cache)
        clock.advance(.seconds(901))
        #expect(await panel.consult(brief(connections: 5_000)).origin == .asked)
        #expect(transport.requests.count == 3)
    }

    @Test func `A new finding is notable`() async throws {
        let transport = FakeTransport(Self.quiet)
        let panel = try panel(transport, TestClock())
        var quiet = brief()
        quiet.applications[0].findings = []
        #expect(await panel.consult(quiet).origin == .asked)
        #expect(await panel.consult(brief()).origin == .asked)
    }

    @Test func `Three failed consultations open the breaker for five minutes, then one decides`() async throws {
        let transport = FakeTransport(Self.down)
        let clock = TestClock()
        let panel = try panel(transport, clock)
        for _ in 0..<3 {
            #expect(await panel.consult(brief()).failures.map(\.code) == [.unreachable])
            clock.advance(.seconds(60))
        }
        #expect(transport.requests.count == 9)
        #expect(await panel.consult(brief()).failures.map(\.code) == [.breakerOpen])
        #expect(await panel.health.map(\.state) == [.open])
        clock.advance(.seconds(300))
        #expect(await panel.health.map(\.state) == [.halfOpen])
        #expect(await panel.consult(brief()).failures.map(\.code) == [.unreachable])
        #expect(await panel.consult(brief()).failures.map(\.code) == [.breakerOpen])
        #expect(transport.requests.count == 12)
    }

    @Test func `Models are asked in order until one gives advice`() async throws {
        let good = Mutex(false)
        let transport = FakeTransport { _ in
            good.withLock { $0 } ? .success(FakeTransport.ok(FakeTransport.quiet)) : .failure(.tooLarge)
        }
        let panel = try panel(transport, TestClock(), models: 3)
        let nobody = await panel.consult(brief())
        #expect(nobody.advice == nil && nobody.failures.map(\.index) == [0, 1, 2])
        #expect(transport.requests.map { $0.prefix(21) } == [0, 1, 2].map { "https://model-\($0).test/" })
        good.withLock { $0 = true }
        #expect(await panel.consult(brief()).failures == [])
    }

    @Test func `Budgets of requests and tokens hold for a day in UTC`() async throws {
        let transport = FakeTransport(Self.quiet)
        let clock = TestClock()
        let panel = try panel(transport, clock) { $0.dailyRequests = 2 }
        for (index, expected) in [nil, nil, ModelFailure.Code.budgetSpent].enumerated() {
            let outcome = await panel.consult(brief(connections: [1, 100, 10_000][index]))
            #expect(outcome.failures.first?.code == expected)
            clock.advance(.seconds(60))
        }
        #expect(await panel.health.map(\.state) == [.budgetSpent])
        clock.advance(.seconds(86_400))
        #expect(await panel.consult(brief(connections: 10_000)).advice != nil)
        let frugal = try self.panel(transport, clock) {
            $0.dailyTokens = 4_000
            $0.maximumTokens = 2_500
        }
        #expect(await frugal.consult(brief()).advice != nil)
        #expect(await frugal.health.map(\.tokensToday) == [900])
        #expect(await frugal.consult(brief(connections: 10_000)).failures.map(\.code) == [.budgetSpent])
    }

    @Test func `Requests of a minute run out, and come back`() async throws {
        let transport = FakeTransport(Self.quiet)
        let clock = TestClock()
        let panel = try panel(transport, clock) { $0.requestsPerMinute = 1 }
        #expect(await panel.consult(brief()).advice != nil)
        clock.advance(.seconds(30))
        #expect(await panel.consult(brief(connections: 5_000)).failures.map(\.code) == [.throttled])
        clock.advance(.seconds(30))
        #expect(await panel.consult(brief(connections: 5_000)).advice != nil)
    }

    @Test func `A provider that says that nothing is left is left alone until then`() async throws {
        let headers = [
            (name: "x-ratelimit-remaining-tokens", value: "0"), (name: "x-ratelimit-reset-tokens", value: "6m0s"),
        ]
        let transport = FakeTransport { _ in .success(FakeTransport.ok(FakeTransport.quiet, headers: headers)) }
        let clock = TestClock()
        let panel = try panel(transport, clock)
        #expect(await panel.consult(brief()).advice != nil)
        clock.advance(.seconds(300))
        #expect(await panel.consult(brief(connections: 5_000)).failures.map(\.code) == [.onHold])
        clock.advance(.seconds(61))
        #expect(await panel.consult(brief(connections: 5_000)).advice != nil)
    }

    @Test func `A consultation ends within the interval, whatever the provider asks for`() async throws {
        let transport = FakeTransport { _ in
            .success(IncomingReply(status: 503, headers: [(name: "retry-after", value: "19")]))
        }
        let clock = TestClock()
        let endpoints = [try #require(ModelURL("https://a.test"))].map {
            ModelEndpoint(provider: .openAICompatible, url: $0, model: "m")
        }
        let panel = ModelPanel(
            settings: ModelSettings(models: endpoints, interval: .seconds(30)), keys: FixedKeys(secret: nil),
            transport: transport, clock: clock, random: { 0 })
        let start = clock.now()
        #expect(await panel.consult(brief()).advice == nil)
        #expect(clock.now() - start < .seconds(30))
    }

    @Test func `A request has the time that is left of the interval, and no more`() async throws {
        try await ScriptedServer.run([.silence]) { server in
            let transport = HTTPTransport()
            let request = OutgoingRequest(
                url: try endpoint(server).url.description, headers: [], key: nil, body: [], limit: .milliseconds(50))
            await #expect(throws: TransportFailure.timedOut) { try await transport.send(request) }
            await transport.shutdown()
        }
    }

    @Test func `Cancelling ends a consultation and counts against nobody`() async throws {
        try await ScriptedServer.run([.silence]) { server in
            try await withPanel([endpoint(server), endpoint(server)]) { panel, _ in
                let outcome = await withTaskGroup(of: PanelOutcome?.self) { group in
                    group.addTask { await panel.consult(brief()) }
                    group.addTask {
                        while server.requests.isEmpty { await Task.yield() }
                        return nil
                    }
                    _ = await group.next()
                    group.cancelAll()
                    return await group.next() ?? nil
                }
                #expect(outcome?.failures.map(\.code) == [.cancelled])
                #expect(await panel.health.map(\.failures) == [0, 0])
            }
        }
    }

    @Test func `Who needs a key and has none is not asked`() async throws {
        let transport = FakeTransport(Self.quiet)
        let panel = try panel(transport, TestClock()) { $0.provider = .openAI }
        #expect(await panel.consult(brief()).failures.map(\.code) == [.noKey])
        #expect(transport.requests == [])
    }

    @Test func `What is shown is what is sent, and showing it sends nothing`() async throws {
        try await ScriptedServer.run([goodReply]) { server in
            try await withPanel([endpoint(server)]) { panel, _ in
                let shown = await panel.showPrompt(for: brief())
                #expect(server.requests.count == 0 && shown.count == 1)
                _ = await panel.consult(brief())
                #expect(server.requests.map(\.body) == shown.map(\.body))
                #expect(shown[0].headers == ["Authorization: ********"])
            }
        }
    }

    @Test func `The cache is bounded`() throws {
        var cache = AnswerCache(lifetime: .seconds(900))
        let advice = ModelAdvice(source: .init(provider: .ollama, model: "m"), overall: "", opinions: [])
        let start = Timestamp(seconds: 1)
        for number in 0..<600 {
            let key = AnswerCache.Key(provider: .ollama, url: "u", body: Array("\(number)".utf8))
            cache.keep(advice, for: key, at: start + .seconds(number))
        }
        #expect(cache.count == AnswerCache.maximumCount)
        let oldest = AnswerCache.Key(provider: .ollama, url: "u", body: Array("0".utf8))
        let newest = AnswerCache.Key(provider: .ollama, url: "u", body: Array("599".utf8))
        #expect(cache.advice(for: oldest, at: start + .seconds(600)) == nil)
        #expect(cache.advice(for: newest, at: start + .seconds(600)) != nil)
        #expect(cache.advice(for: newest, at: start + .seconds(1_499)) == nil)
    }
}
