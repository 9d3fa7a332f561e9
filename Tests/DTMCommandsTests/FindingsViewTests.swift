import DTMAPI
import DTMCore
import Testing

@testable import DTMCommands

@Suite struct FindingsViewTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    private func finding(_ id: String, risk: Int = 85, app: String? = "redis") -> FindingReport {
        FindingReport(
            id: id, time: now.rfc3339, app: app, tunnel: nil, risk: risk, verdict: "threat", title: "A \u{1b}[31mdecoy",
            evidence: ["uid 7"], source: "rule", action: "look", code: "decoy.touched", since: now.rfc3339, count: 3,
            subject: "host", confidence: 0.9, wrongWhen: "never")
    }

    private var list: FindingList {
        var list = FindingList(available: true, findings: [finding("aabb"), finding("aacc", risk: 20, app: nil)])
        list.risk = FindingRisk(machine: 77, threshold: 70, arithmetic: "100 × 1", apps: [], tunnels: [])
        return list
    }

    @Test func `The table begins with the machine's risk and how it comes about`() {
        let lines = FindingsView.lines(list, .plain, now: now)
        #expect(lines.first == "Risk of this machine: 77 of 100 (threshold 70)" && lines[1] == "  = 100 × 1")
        #expect(lines[2].hasPrefix("RISK  WHEN") && lines.count == 5)
        #expect(lines[3].contains("(3 times)") && !lines[3].contains("\u{1b}"))
        let none = FindingsView.lines(FindingList(available: true, findings: []), .plain, now: now)
        #expect(none == ["Nothing was found."])
    }

    @Test func `Selection is by application and risk, and one is found by the beginning of its id`() throws {
        #expect(list.findings.filter(FindingSelection(app: "redis").contains).map(\.id) == ["aabb"])
        #expect(list.findings.filter(FindingSelection(minRisk: 21).contains).map(\.id) == ["aabb"])
        #expect(try FindingSelection.one("aab", of: list).id == "aabb")
        for id in ["aa", "", "x"] { #expect(throws: CommandFailure.self) { try FindingSelection.one(id, of: list) } }
        let details = FindingsView.details(try FindingSelection.one("aabb", of: list), .plain, now: now)
        #expect(details.contains("  uid 7") && details.contains { $0.contains("wrong when") })
    }
}
