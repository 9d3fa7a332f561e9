import DTMCore
import DTMResponse
import Testing

@Suite("What is done about a finding")
struct ActionTests {
    private func action(_ harness: LadderHarness, risk: Int = 90, tunnel: String? = "redis") -> String? {
        harness.ladder.action(
            about: Finding(
                id: "f", code: "test.finding", time: Timestamp(seconds: 1_000_000), subject: .mallory, tunnel: tunnel,
                risk: risk, title: "something was seen"))
    }

    @Test func `Nothing is said of what calls for nothing`() { #expect(action(LadderHarness(), risk: 10) == nil) }

    @Test func `First somebody is told, or it is kept`() {
        var harness = LadderHarness(.guardian)
        harness.find()
        #expect(action(harness) == "notified")
        #expect(action(LadderHarness(.observe)) == "recorded")
    }

    @Test func `What was done stands beside what waits for a person, the latest first`() throws {
        var harness = LadderHarness(.guardian)
        harness.press(5)
        let proposal = try #require(harness.ladder.journal.proposals.last)
        let action = try #require(self.action(harness))
        #expect(action.hasPrefix("\(proposal.rung.name) waits for dtm respond approve \(proposal.id); "))
        #expect(action.contains("raise-decoys until ") && action.contains("rotate done"))
    }

    @Test func `What moves a tunnel is told of that tunnel alone`() {
        var harness = LadderHarness(.guardian)
        harness.press(3)
        #expect(action(harness)?.contains("rotate") == true)
        #expect(action(harness, tunnel: "other")?.contains("rotate") == false)
    }
}
