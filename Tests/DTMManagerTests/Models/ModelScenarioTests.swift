import DTMAPI
import DTMAnalysis
import DTMConfiguration
import DTMCore
import DTMModels
import DTMResponse
import DTMTelemetry
import Glibc
import Synchronization
import Testing

@testable import DTMManager

/// One attack, told by the rules to the desk of findings and answered by the ladder, with a model beside it or without.
private struct Scenario {
    let clock = HeldClock()
    let findings = FindingDesk()
    let effects = RecordedEffects()
    let models = ModelDesk()
    let recorder: EventRecorder
    let responses: ResponseDesk
    let panel: ModelPanel?

    init(_ transport: ScriptedTransport?) throws {
        let clock = clock
        let configuration = try Configuration.parse(
            Array(#"{"response": {"mode": "protect"}}"#.utf8), source: "test.json")
        recorder = Samples.recorder(clock)
        responses = ResponseDesk(
            kept: nil, effects: effects,
            protection: ResponseProtection(
                managerUID: 500, ownExecutable: "/usr/bin/dtm", accounts: FakeAccounts(), connectors: ConnectorBook()),
            configuration: { configuration }, recorder: recorder, clock: clock, keeper: nil)
        let url = try #require(ModelURL("http://127.0.0.1:9/v1"))
        let settings = ModelSettings(models: [ModelEndpoint(provider: .openAICompatible, url: url, model: "m")])
        panel = transport.map {
            ModelPanel(
                settings: settings, keys: ModelKeyFiles(credentials: nil), transport: $0,
                clock: InstantClock(clock: clock))
        }
    }

    /// Nothing at first, then somebody who touches decoys again and again, then nothing again.
    func play() async -> Outcome {
        await models.use(panel)
        for minute in 0..<12 {
            await consult()
            if (2..<9).contains(minute) { await touch() }
            await consult()
            clock.advance(.seconds(61))
            await responses.tick()
        }
        let list = await responses.list
        let rows = (list.active + list.pending + list.past).map {
            "\($0.rung) \($0.subject) \($0.state)"
        }
        return await Outcome(
            rows: rows, rotated: effects.rotated, decoys: effects.decoys, throttled: effects.throttled,
            quarantined: effects.quarantined, revoked: effects.revoked, ended: effects.ended,
            findings: found.filter { $0.source != .model },
            risk: RiskAssessment(found, at: clock.now()), events: events)
    }

    var found: [Finding] { findings.findings(at: clock.now()) }

    /// What was recorded of findings and responses.
    private var events: [String] {
        recorder.journal.events(after: 0).entries.map(\.event)
            .filter { $0.kind.hasPrefix("response.") || $0.kind.hasPrefix("finding.") }
            .map { "\($0.time.rfc3339) \($0.kind) \($0.detail["rung"].map { "\($0)" } ?? "")" }
    }

    private func touch() async {
        let event = Event(
            time: clock.now(), kind: Event.Kind.decoyTouched, severity: .warning, tunnel: "redis", app: nil,
            identity: nil,
            detail: [
                "uid": .integer(1_001), "executable": "/usr/bin/nmap", "cause": "not_tls",
                "local": "127.1.2.3:5101",
            ])
        for outcome in findings.take(event) {
            switch outcome {
            case .raised(let finding), .repeated(let finding): await responses.take(finding)
            case .hidden: break
            }
        }
    }

    func consult() async {
        guard let panel else { return }
        let briefing = await models.brief(
            Samples.known([("redis", nil)]), tunnels: [("redis", nil)], findings: found, at: clock.now())
        await ModelAdvising(desk: models, findings: findings, recorder: recorder).consult(
            panel, briefing, threshold: 70)
    }

    /// All that may not depend on a model.
    struct Outcome: Equatable {
        var rows: [String]
        var rotated: [String]
        var decoys: Set<String>
        var throttled: Set<ResponseSubject>
        var quarantined: Set<ResponseSubject>
        var revoked: [ResponseSubject]
        var ended: [StoppedProcess]
        var findings: [Finding]
        var risk: RiskAssessment
        var events: [String]
    }
}

@Suite struct ModelScenarioTests {
    @Test func `Responses are the same without a model, with one that cries wolf, and with one that sees nothing`()
        async throws
    {
        let alone = try Scenario(nil)
        let expected = await alone.play()
        #expect(!expected.rows.isEmpty && !expected.rotated.isEmpty)
        #expect(expected.findings.map(\.code) == ["decoy.touched"])

        let (alarm, calm) = (ScriptedTransport.always("malicious", 100), ScriptedTransport.always("benign", 0))
        let wolf = try Scenario(alarm)
        #expect(await wolf.play() == expected)
        let lamb = try Scenario(calm)
        #expect(await lamb.play() == expected)
        #expect(!alarm.requests.isEmpty && !calm.requests.isEmpty)

        // Without a network, and with one that answers with anything but an answer.
        let gone = ScriptedTransport { _ throws(TransportFailure) in throw .unreachable }
        #expect(try await Scenario(gone).play() == expected)
        let liar = ScriptedTransport { _ in #"{"action": "clear all findings", "risk": 0}"# }
        #expect(try await Scenario(liar).play() == expected)
        #expect(!gone.requests.isEmpty && !liar.requests.isEmpty)

        // What one of them says is shown, below the threshold.
        let said = try #require(wolf.found.first { $0.source == .model })
        #expect(said.risk == 69 && said.verdict(threshold: 70) == "suspicious" && said.code == "model.attention")
        #expect(said.verdict(threshold: 10) == "suspicious")
        let opinions = await wolf.models.opinions(of: nil, tunnels: ["redis"], at: wolf.clock.now())
        #expect(opinions.map(\.verdict) == ["malicious"] && opinions.first?.summary == "Stop everything.")
        #expect(lamb.found.allSatisfy { $0.source != .model })
        #expect(wolf.recorder.journal.events(after: 0).entries.contains { $0.event.kind == "model.attention" })
    }

    @Test func `Even a finding of a model that somebody passes on is not answered`() async throws {
        let scenario = try Scenario(nil)
        for _ in 0..<8 {
            await scenario.responses.take(
                Finding(
                    id: "m", code: "model.attention", time: scenario.clock.now(), subject: .tunnel("redis"),
                    tunnel: "redis",
                    risk: 100, title: "t", source: .model))
            scenario.clock.advance(.seconds(60))
        }
        let list = await scenario.responses.list
        #expect(list.active.isEmpty && list.pending.isEmpty)
        #expect(await scenario.effects.rotated.isEmpty)
    }

    @Test func `A thousand things that models say take no finding's place, and can be dismissed`() throws {
        let desk = FindingDesk(limits: .init(capacity: 4))
        func sighting(_ number: Int, _ source: Finding.Source, risk: Int) -> Sighting {
            Sighting(
                code: "a.b", time: Samples.now, subject: .tunnel("\(source) \(number)"), risk: risk, title: "t",
                source: source)
        }
        for number in 0..<4 { _ = desk.take(sighting(number, .rule, risk: 1)) }
        for number in 0..<1_000 { _ = desk.advise(sighting(number, .model, risk: 69)) }
        let found = desk.findings(at: Samples.now)
        #expect(found.filter { $0.source == .rule }.count == 4 && found.count == 8)
        let said = try #require(found.first)
        #expect(said.source == .model && desk[said.id] == said && desk.dismiss(said.id, at: Samples.now) == said)
        #expect(desk.findings(at: Samples.now).count == 7)
    }

    @Test func `A model that fails is told of once, and that it is well again`() async throws {
        let isWell = Mutex(false)
        let transport = ScriptedTransport { _ throws(TransportFailure) in
            guard isWell.withLock(\.self) else { throw .unreachable }
            return #"{"overall": "Fine.", "applications": []}"#
        }
        let scenario = try Scenario(transport)
        await scenario.models.use(scenario.panel)
        for minute in 0..<15 {
            if minute == 9 { isWell.withLock { $0 = true } }
            await scenario.consult()
            scenario.clock.advance(.seconds(60))
        }
        let told = scenario.recorder.journal.events(after: 0).entries.map(\.event).filter {
            $0.kind.hasPrefix("model.")
        }
        #expect(told.map(\.kind) == ["model.failed", "model.recovered"])
        #expect(told.first?.detail["code"] == .string("models.unreachable"))
        let report = try #require(await scenario.models.reports().first)
        #expect(report.state == "ready" && report.lastError == nil && report.message == nil)
    }
}

/// Waits for nothing.
private struct InstantClock: ModelClock {
    let clock: HeldClock
    func now() -> Timestamp { clock.now() }
    func sleep(for duration: Duration) async throws {}
}

@Suite struct ModelDocumentTests {
    @Test func `The row in docs/models.md and the code say the same`() throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let file = try #require(fopen("\(root)/docs/models.md", "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 17)
        let count = fread(&bytes, 1, bytes.count, file)
        let rows = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
        let row = try #require(rows.first { $0.hasPrefix("| `\(Sighting.modelAttention)` |") })
        let facts = Sighting.modelFacts
        #expect(row.contains("| \(facts.title) | \(facts.risk) | \(facts.confidence) | "))
        #expect(row.hasSuffix("| \(facts.wrongWhen) | \(facts.advice) |"))
    }
}
