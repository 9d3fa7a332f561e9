import DTMCore
import DTMTestSupport
import Testing

@testable import DTMAnalysis

/// A day of legitimate use, as the events of which control would record it: three tunnels rotate more than 10,000 times,
/// clients come, restart and are killed in the middle of a handshake, the clock is set, the manager is started anew.
@Suite struct LegitimateDayTests {
    private struct Day {
        var rules = RuleSet()
        var book = FindingBook()
        var alarms: [Finding] = []
        var worstRisk = 0
        var events = 0
        var generator = SeededGenerator(seed: 7)

        mutating func feed(_ event: Event) {
            events += 1
            for case .raised(let finding) in rules.look(at: event).map({ book.take($0) }) where finding.risk >= 70 {
                alarms.append(finding)
            }
        }

        mutating func begin(at time: Timestamp) {
            rules = RuleSet()
            feed(Sample.started(time))
            for tunnel in ["redis", "api", "web"] {
                feed(Sample.added(tunnel, at: time))
                for uid in Int64(1_000)...1_004 { feed(Sample.granted(uid, tunnel: tunnel, at: time + .seconds(2))) }
            }
            // Clients that still have an identity of before find the listeners of now.
            for second in 0..<5 {
                feed(Sample.refused(cause: "foreign", uid: 1_000, executable: nil, at: time + .seconds(3 + second)))
                feed(Sample.refused(cause: "other", uid: 1_001, executable: nil, at: time + .seconds(3 + second)))
            }
        }

        mutating func epoch(_ number: Int, at time: Timestamp) {
            for tunnel in ["redis", "api", "web"] {
                feed(Sample.rotated(5_000 + number * 7 % 1_001, tunnel: tunnel, at: time))
                for uid in Int64(1_000)...1_004 where Int.random(in: 0..<3, using: &generator) == 0 {
                    feed(Sample.opened(uid, tunnel: tunnel, at: time + .seconds(1)))
                }
            }
            // A client is killed in its handshake, mostly in time and now and then at what has become a decoy.
            if number % 20 == 0 {
                feed(Sample.refused(cause: "gone", uid: 1_002, executable: nil, at: time + .seconds(2)))
                feed(Sample.granted(1_002, at: time + .seconds(3)))
            }
            if number % 500 == 0 {
                feed(
                    Sample.refused(
                        Event.Kind.decoyTouched, cause: "gone", uid: 1_002, port: 5_000 + number * 7 % 1_001,
                        executable: nil, at: time + .seconds(2)))
            }
            // Somebody tries another program, and a laptop slept.
            if number % 700 == 0 { feed(Sample.opened(1_003, executable: "/home/c/tool", at: time + .seconds(4))) }
            if number % 1_500 == 0 { feed(Sample.refused(cause: "expired", uid: 1_003, at: time + .seconds(5))) }
            if number % 1_000 == 0 { feed(Sample.stepped(number % 2_000 == 0 ? 30 : -30, at: time)) }
            worstRisk = max(worstRisk, RiskAssessment(book.findings, at: time).risk)
        }
    }

    private func live() -> Day {
        var day = Day()
        // 3 tunnels × 8,640 epochs of ten seconds.
        for number in 0..<8_640 {
            let time = Sample.start + .seconds(number * 10)
            if number % 2_000 == 0 { day.begin(at: time) }
            day.epoch(number, at: time)
        }
        return day
    }

    @Test func `A day of legitimate use raises no alarm, and one knock at a decoy in it does`() {
        var day = live()
        #expect(day.events > 40_000)
        #expect(day.alarms == [], "\(day.alarms.map { "\($0.code) \($0.evidence)" })")
        #expect(day.worstRisk < 70, "the risk of the machine reached \(day.worstRisk)")
        // The positive control.
        let end = Sample.start + .seconds(86_400)
        day.feed(Sample.refused(Event.Kind.decoyTouched, cause: "not_tls", at: end))
        #expect(day.alarms.map(\.code) == ["decoy.touched"])
        #expect(RiskAssessment(day.book.findings, at: end).risk >= 70)
    }

    @Test func `Start-up alone raises nothing from forty on, but what a client of before brings about`() {
        var day = Day()
        day.begin(at: Sample.start)
        #expect(day.book.findings.allSatisfy { $0.risk < 40 || $0.code == "certificate.foreign" })
    }
}
