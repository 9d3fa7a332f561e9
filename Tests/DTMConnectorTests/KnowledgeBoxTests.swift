import DTMCore
import Testing

@testable import DTMConnector

@Suite("What a connector's event loops met")
struct KnowledgeBoxTests {
    private let place = Endpoint(address: .v4(0x7f00_0001), port: 5_000)

    @Test("reaches whoever listens last, and nobody else")
    func lastListener() async {
        let box = KnowledgeBox()
        // Nobody listens: nothing waits for ever.
        box.identityWasNotAccepted()
        let first = box.findings()
        let second = box.findings()
        box.squatterFound(at: place, reason: "because")
        var heard: [String] = []
        for await finding in first { heard.append("first \(finding)") }
        for await finding in second {
            if case .squatter(let endpoint, let reason) = finding { heard.append("\(endpoint) \(reason)") }
            break
        }
        #expect(heard == ["127.0.0.1:5000 because"])
    }

    @Test("is bounded: a flood of findings is its first few")
    func flood() async {
        let box = KnowledgeBox()
        let findings = box.findings()
        for _ in 0..<10_000 { box.identityWasNotAccepted() }
        // Another listener ends the first one's stream.
        _ = box.findings()
        var count = 0
        for await _ in findings { count += 1 }
        #expect(count == 16)
    }

    @Test("the followed clock is the manager's")
    func clock() {
        let clock = FollowedClock()
        let before = clock.now()
        clock.follow(ClockAnchor(offsetNanoseconds: ClockAnchor.current().offsetNanoseconds + 3_600_000_000_000))
        #expect(clock.now() - before >= .seconds(3_590))
    }
}
