import DTMCore
import FoundationEssentials
import Testing

@testable import DTMModels

struct BriefTests {
    @Test func `The same brief always gives the same prompt, whatever the order`() {
        var turned = brief()
        turned.applications.reverse()
        #expect(ModelPrompt(CoarseBrief(brief(), since: .init())) == ModelPrompt(CoarseBrief(turned, since: .init())))
        #expect(
            ModelPrompt(CoarseBrief(brief(), since: .init())).question == """
                app-3: protection fronted, embedded risk 20
                  e1 connections_per_minute about 10, usually 10
                  e2 bytes_out_per_minute about 20000
                  e3 finding decoy.touched, risk 80, seen about 2 times
                app-7: protection isolated, embedded risk 0
                  e4 threads about 2
                """)
    }

    @Test(
        "Numbers are told in steps of 1, 2 and 5",
        arguments: [
            (0, "0"), (-3, "0"), (0.0004, "0"), (0.001, "0.001"), (0.3, "0.2"), (1, "1"), (4.9, "2"), (5, "5"),
            (999, "500"), (1_000, "1000"), (1e15, "100000000000000" + "0"), (1e300, "100000000000000" + "0"),
            (Double.nan, "0"), (.infinity, "100000000000000" + "0"), (-.infinity, "0"),
        ])
    func steps(value: Double, text: String) {
        #expect(FeatureStep(value).text == text)
    }

    @Test func `What moves little stays where it was told`() {
        let before = CoarseBrief(brief(connections: 19), since: .init())
        for near in [8.0, 21, 47] { #expect(CoarseBrief(brief(connections: near), since: before) == before) }
        for far in [7.5, 48, 0] { #expect(CoarseBrief(brief(connections: far), since: before) != before) }
        #expect(CoarseBrief(brief(connections: 19, risk: 34), since: before) == before)
        #expect(CoarseBrief(brief(connections: 19, risk: 35), since: before) != before)
    }

    @Test func `A prompt is bounded, and tells of those with the highest risk`() {
        let features = Dictionary(uniqueKeysWithValues: Feature.allCases.map { ($0, 1e300) })
        let note = code("decoy.touched").map { FindingNote(code: $0, risk: 100, count: .max) }
        let many = (0..<500).map { number in
            ApplicationBrief(
                pseudonym: Pseudonym(number: number), tier: .unprotected, risk: number == 400 ? 99 : 10,
                features: features, usual: features, findings: Array(repeating: note, count: 50).compactMap { $0 })
        }
        let prompt = ModelPrompt(CoarseBrief(AnalysisBrief(applications: many), since: .init()))
        #expect(prompt.evidence.count == AnalysisBrief.maximumApplications)
        #expect(prompt.evidence[Pseudonym(number: 400)] != nil)
        #expect(prompt.question.utf8.count < 64 << 10)
    }

    @Test func `A finding's code is one that the manager has`() {
        #expect(FindingCode("decoy.touched", among: ["decoy.touched"]) != nil)
        #expect(FindingCode("decoy.other", among: ["decoy.touched"]) == nil)
        #expect(FindingCode("/home/me", among: ["/home/me"]) == nil)
        #expect(FindingCode("", among: [""]) == nil)
    }

    @Test func `A pseudonym stays, is never used again, and the book is bounded`() throws {
        var book = PseudonymBook()
        let first = book.pseudonym(for: "redis uid 1000")
        #expect(first.description == "app-1" && book.pseudonym(for: "nginx").description == "app-2")
        #expect(book.pseudonym(for: "redis uid 1000") == first)
        let copy = try JSONDecoder().decode(PseudonymBook.self, from: JSONEncoder().encode(book))
        #expect(copy == book)
        var later = copy
        #expect(later.pseudonym(for: "redis uid 1000") == first)
        #expect(later.pseudonym(for: "postgres").description == "app-3")
        for number in 0..<2_000 { _ = book.pseudonym(for: "other \(number)") }
        #expect(book.count == PseudonymBook.maximumCount)
        #expect(book.application(of: first) == nil)
        #expect(book.pseudonym(for: "redis uid 1000").number == 2_003)
    }

    @Test(
        "A book that was tampered with is refused",
        arguments: [
            #"{"entries": {"a": {"number": 1, "lastMet": 1}, "b": {"number": 1, "lastMet": 2}}, "nextNumber": 2}"#,
            #"{"entries": {"a": {"number": 5, "lastMet": 1}}, "nextNumber": 2}"#,
            #"{"entries": {"a": {"number": 0, "lastMet": 1}}, "nextNumber": 2}"#,
            #"{"entries": {}, "nextNumber": 0}"#, #"{"entries": {}}"#,
        ])
    func tampered(text: String) {
        #expect(throws: (any Error).self) { try JSONDecoder().decode(PseudonymBook.self, from: Data(text.utf8)) }
    }
}
