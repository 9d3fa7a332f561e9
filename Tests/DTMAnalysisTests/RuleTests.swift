import DTMCore
import Testing

@testable import DTMAnalysis

@Suite struct RuleTests {
    private func look(_ events: Event...) -> [Sighting] {
        var rules = Sample.rules()
        return events.flatMap { rules.look(at: $0) }
    }

    @Test func `The first touch of a decoy is an alarm that names the user and his program`() throws {
        let seen = look(Sample.refused(Event.Kind.decoyTouched, cause: "not_tls", at: Sample.later))
        let first = try #require(seen.first)
        #expect(seen.count == 1 && first.code == "decoy.touched" && first.risk >= 70)
        #expect(first.subject == .program(uid: 1_001, executable: "/usr/bin/nmap"))
        #expect(first.evidence.contains("uid 1001") && first.evidence.contains("executable /usr/bin/nmap"))
        #expect(first.tunnel == "redis" && first.app == "redis-server")
    }

    @Test func `An endpoint that was live is stale when it is used as a decoy`() {
        let seen = look(Sample.refused(Event.Kind.decoyTouched, cause: "no_certificate", port: 5_001, at: Sample.later))
        #expect(seen.map(\.code) == ["endpoint.stale"] && seen.allSatisfy { $0.risk >= 70 })
    }

    @Test func `A client that dies in its handshake at a decoy is no alarm, and one that does it again and again is`() {
        let events = (0..<4).map {
            Sample.refused(
                Event.Kind.decoyTouched, cause: "gone", uid: 1_000, executable: nil, at: Sample.later + .seconds($0))
        }
        var rules = Sample.rules()
        let risks = events.flatMap { rules.look(at: $0) }.map(\.risk)
        #expect(risks.prefix(2).allSatisfy { $0 < 70 } && risks.suffix(2).allSatisfy { $0 >= 70 })
    }

    @Test(
        arguments: [
            ("foreign", "certificate.foreign", 75), ("expired", "certificate.expired", 45),
            ("not_yet_valid", "certificate.expired", 45), ("retired", "certificate.retired", 45),
            ("revoked", "certificate.revoked", 75), ("other_tunnel", "certificate.other_tunnel", 65),
            ("no_certificate", "endpoint.probed", 60), ("not_tls", "endpoint.probed", 60),
            ("gone", "endpoint.probed", 45), ("timeout", "endpoint.probed", 45),
        ])
    func `What a peer shows decides what is found`(_ cause: String, _ code: String, _ risk: Int) {
        let seen = look(Sample.refused(cause: cause, at: Sample.later))
        #expect(seen.map(\.code) == [code] && seen.map(\.risk) == [risk])
    }

    @Test func `Right after a start that forgot everything, a foreign certificate may be one of before`() {
        #expect(look(Sample.refused(cause: "foreign", at: Sample.start + .seconds(60))).allSatisfy { $0.risk < 70 })
        var sealed = RuleSet()
        _ = sealed.look(at: Sample.started(mode: "sealed"))
        #expect(
            sealed.look(at: Sample.refused(cause: "foreign", at: Sample.start + .seconds(60))).map(\.risk) == [75])
    }

    @Test func `Twenty failures in a minute are a burst, and as many in an hour are none`() {
        var rules = Sample.rules()
        let quick = (0..<20).flatMap {
            rules.look(at: Sample.refused(cause: "not_tls", at: Sample.later + .seconds($0)))
        }
        #expect(quick.contains { $0.code == "handshake.burst" && $0.risk >= 70 })
        var slow = Sample.rules()
        let spread = (0..<20).flatMap {
            slow.look(at: Sample.refused(cause: "not_tls", at: Sample.later + .seconds($0 * 60)))
        }
        #expect(!spread.contains { $0.code == "handshake.burst" })
    }

    @Test func `A count of a flood counts, whoever it was`() {
        let seen = look(
            Event(
                time: Sample.later, kind: Event.Kind.handshakeFailed, severity: .warning, tunnel: "redis",
                detail: ["count": 40, "reason": "more of the same"]))
        #expect(seen.map(\.code) == ["handshake.burst"])
    }

    @Test func `A program that connects for the first time is told after the time of learning, below forty`() {
        #expect(look(Sample.opened(1_002, at: Sample.start + .seconds(10))).isEmpty)
        let seen = look(
            Sample.opened(1_000, at: Sample.later), Sample.opened(1_000, executable: "/tmp/x", at: Sample.later),
            Sample.opened(1_002, at: Sample.later), Sample.opened(1_002, at: Sample.later))
        #expect(seen.map(\.code) == ["identity.new", "identity.new"] && seen.map(\.risk) == [20, 35])
    }

    @Test func `An identity under another user is an alarm about that identity`() {
        var event = Sample.opened(1_002, at: Sample.later)
        event.kind = Event.Kind.identityMisused
        let seen = look(event)
        #expect(seen.map(\.risk) == [90] && seen.map(\.subject) == [.identity("spiffe://x/client/1002")])
    }

    private func takeover(_ differences: [String], port: Int64 = 6_379) -> Event {
        Event(
            time: Sample.later, kind: Event.Kind.listenerTakenOver, severity: .warning, app: "other",
            detail: [
                "differences": .list(differences), "port": .integer(port), "uid": 1_001, "from": "a", "to": "b",
            ])
    }

    @Test func `A listener behind a tunnel that goes to another user is an alarm, an upgrade is none`() {
        #expect(look(takeover(["process", "user", "executable"])).map(\.risk) == [80])
        #expect(look(takeover(["process", "user"], port: 80)).map(\.risk) == [55])
        #expect(look(takeover(["process", "executable"])).map(\.risk) == [45])
        #expect(look(takeover(["user"])).map(\.risk) == [20])
    }

    @Test func `A squatter at an endpoint of the tunnel weighs more than one at a candidate`() {
        func squatter(_ endpoint: String) -> Event {
            Event(
                time: Sample.later, kind: Event.Kind.squatterFound, severity: .warning, tunnel: "redis",
                detail: ["endpoint": .string(endpoint), "uid": 1_000])
        }
        #expect(look(squatter("127.9.8.7:5001")).map(\.risk) == [80])
        #expect(look(squatter("127.9.8.7:5002")).map(\.risk) == [45])
    }

    private func event(_ kind: String, _ detail: [String: DetailValue] = [:], after seconds: Int = 0) -> Event {
        Event(time: Sample.later + .seconds(seconds), kind: kind, severity: .warning, tunnel: nil, detail: detail)
    }

    @Test func `What happens to the manager itself`() {
        #expect(look(event(Event.Kind.executableChanged)).map(\.risk) == [95])
        #expect(look(event(Event.Kind.executableReplaced)).map(\.risk) == [30])
        #expect(look(event(Event.Kind.protectionLost, ["lapses": .list(["x"])])).map(\.risk) == [85])
        #expect(look(event(Event.Kind.protectionLost, ["silent": true])).map(\.risk) == [55])
        #expect(look(event(Event.Kind.stateDamaged, ["code": "state.x"])).map(\.risk) == [90])
        #expect(look(event(Event.Kind.stateDamaged)).isEmpty)
        #expect(look(event(Event.Kind.stateWitnessMissing)).map(\.risk) == [45])
        #expect(look(event(Event.Kind.configurationWeakened)).map(\.risk) == [60])
        #expect(
            look(Sample.stepped(30, at: Sample.later), Sample.stepped(-7_200, at: Sample.later)).map(\.risk) == [
                15, 45,
            ])
        #expect(look(event(Event.Kind.applicationExecutableChanged)).map(\.code) == ["application.executable_changed"])
        #expect(look(event(Event.Kind.tunnelBypassed, ["uid": 7])).map(\.risk) == [55])
    }

    @Test func `One refusal is a mistake, many by one user are not`() {
        var rules = Sample.rules()
        let one = (0..<4).flatMap { rules.look(at: event(Event.Kind.apiRefused, ["uid": .integer(Int64($0))])) }
        #expect(one.isEmpty)
        let many = rules.look(at: event(Event.Kind.apiRefused, ["uid": 9, "count": 25]))
        #expect(many.map(\.risk) == [65])
        let guesses = (0..<10).flatMap { rules.look(at: event(Event.Kind.operatorRefused, ["uid": 9], after: $0)) }
        #expect(guesses.first?.risk == 60 && guesses.last?.risk == 80)
    }

    @Test func `Events about findings find nothing`() {
        #expect(look(event(Event.Kind.findingRaised), event(Event.Kind.findingsGap)).isEmpty)
    }

    @Test func `Every kind has its words, and no rule goes beyond its highest risk`() {
        for kind in FindingKind.allCases {
            let facts = kind.facts
            #expect((1...100).contains(facts.risk) && facts.confidence > 0 && facts.confidence <= 1)
            #expect(!facts.title.isEmpty && !facts.wrongWhen.isEmpty && !facts.advice.isEmpty)
        }
        #expect(Set(FindingKind.allCases.map(\.facts.title)).count == FindingKind.allCases.count)
    }
}
