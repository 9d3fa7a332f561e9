import DTMCore
import Testing

@testable import DTMAnalysis

@Suite struct BookTests {
    private func sighting(
        _ code: String = "a.b", risk: Int = 50, after seconds: Int = 0, subject: ResponseSubject = .host,
        count: UInt64 = 1
    ) -> Sighting {
        Sighting(
            code: code, time: Sample.start + .seconds(seconds), count: count, subject: subject, risk: risk,
            title: "t", evidence: ["\(seconds)"])
    }

    private func raised(_ outcome: FindingBook.Outcome) throws -> Finding {
        let finding: Finding? = if case .raised(let finding) = outcome { finding } else { nil }
        return try #require(finding)
    }

    private func repeated(_ outcome: FindingBook.Outcome) throws -> Finding {
        let finding: Finding? = if case .repeated(let finding) = outcome { finding } else { nil }
        return try #require(finding)
    }

    @Test func `The same again is counted, keeps its id, and worse is raised anew`() throws {
        var book = FindingBook()
        let first = try raised(book.take(sighting()))
        let second = try repeated(book.take(sighting(after: 60, count: 4)))
        #expect(second.id == first.id && second.count == 5 && second.since == first.time && second.evidence == ["60"])
        #expect(first.id.count == 12 && first.id.allSatisfy(\.isHexDigit))
        let worse = try raised(book.take(sighting(risk: 80, after: 61)))
        #expect(worse.id == first.id && worse.risk == 80 && book.findings.count == 1)
        _ = book.take(sighting(risk: 10, after: 62))
        #expect(book.findings.first?.risk == 80)
    }

    @Test func `Others are others, and long after is another`() throws {
        var book = FindingBook()
        _ = book.take(sighting())
        _ = book.take(sighting("c.d"))
        _ = book.take(sighting(subject: .tunnel("x")))
        #expect(book.findings.count == 3)
        let id = book.findings.first { $0.code == "c.d" }?.id
        let again = try raised(book.take(sighting("c.d", after: 4_000)))
        #expect(again.id != id && book.findings.count == 3 && book[again.id] != nil)
    }

    @Test func `What a day has not seen again is forgotten`() {
        var book = FindingBook()
        _ = book.take(sighting())
        book.prune(now: Sample.start + .seconds(86_399))
        #expect(book.findings.count == 1)
        book.prune(now: Sample.start + .seconds(86_401))
        #expect(book.findings.isEmpty)
    }

    @Test func `A dismissed finding stays away until it is worse or a day has passed`() throws {
        var book = FindingBook()
        _ = book.take(sighting())
        let id = try #require(book.findings.first?.id)
        #expect(book.dismiss(id, at: Sample.start)?.id == id && book.findings.isEmpty)
        #expect(book.dismiss(id, at: Sample.start) == nil)
        #expect(book.take(sighting(after: 5_000)) == .hidden)
        _ = try raised(book.take(sighting(risk: 51, after: 5_001)))
        var other = FindingBook()
        _ = other.take(sighting())
        _ = other.dismiss(try #require(other.findings.first?.id), at: Sample.start)
        _ = try raised(other.take(sighting(after: 90_000)))
    }

    @Test func `A thousand at most; the least and oldest go`() {
        var book = FindingBook()
        for number in 0..<5_000 {
            _ = book.take(sighting(risk: number % 2 == 0 ? 90 : 10, after: number / 10, subject: .tunnel("\(number)")))
        }
        #expect(book.findings.count == 1_000 && book.findings.allSatisfy { $0.risk == 90 })
        #expect(Set(book.findings.map(\.id)).count == 1_000)
        #expect(book.findings.allSatisfy { book[$0.id] == $0 })
    }

    @Test func `Evidence is bounded and shows no control characters`() {
        var book = FindingBook()
        var large = sighting()
        large.evidence = (0..<100).map { _ in String(repeating: "x\u{1b}", count: 1_000) }
        _ = book.take(large)
        #expect(book.findings.first?.evidence.count == 12)
        #expect(book.findings.first?.evidence.allSatisfy { $0.count <= 200 && !$0.contains("\u{1b}") } == true)
    }
}

@Suite struct RiskTests {
    private func finding(_ code: String, _ risk: Int, _ confidence: Double = 1, hours: Int64 = 0) -> Finding {
        Finding(
            id: "\(code) \(risk)", code: code, time: Sample.start - .seconds(hours * 3_600), subject: .host, risk: risk,
            confidence: confidence, title: "t")
    }

    private func risk(_ findings: Finding...) -> RiskAssessment { RiskAssessment(findings, at: Sample.start) }

    @Test func `Nothing found is no risk, and one finding is its own`() {
        #expect(risk() == RiskAssessment([], at: Sample.start) && risk().risk == 0 && risk().arithmetic.isEmpty)
        let one = risk(finding("a", 85, 0.95))
        #expect(one.risk == 81 && one.arithmetic == "100 × (1 − (1 − 0.85·0.95·1.00)) = 81")
    }

    @Test func `Two reasons are worse than one, in any order`() {
        #expect(risk(finding("a", 50), finding("b", 50)).risk == 75)
        #expect(risk(finding("a", 50), finding("b", 20)) == risk(finding("b", 20), finding("a", 50)))
    }

    @Test func `Many of one kind are one reason`() {
        #expect(RiskAssessment((0..<1_000).map { finding("a", 20 + $0 % 3) }, at: Sample.start).risk == 22)
    }

    @Test func `It fades by half in six hours, and never rises with age`() {
        #expect(risk(finding("a", 80, hours: 6)).risk == 40 && risk(finding("a", 80, hours: 12)).risk == 20)
        let faded = (0..<100).map { risk(finding("a", 100, hours: Int64($0))).risk }
        #expect(faded == faded.sorted(by: >))
        #expect(risk(finding("a", 100, hours: 1_000_000)).risk == 0 && risk(finding("a", 60, hours: -5)).risk == 60)
    }

    @Test func `It stays between nought and a hundred, and the arithmetic stays short`() {
        let worst = RiskAssessment((0..<500).map { finding("\($0)", 100) }, at: Sample.start)
        #expect(worst.risk == 100 && worst.arithmetic.count < 200)
        #expect(worst.arithmetic.contains("12 more"))
    }
}
