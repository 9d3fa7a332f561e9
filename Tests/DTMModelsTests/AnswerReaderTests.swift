import DTMCore
import DTMTestSupport
import Testing

@testable import DTMModels

struct AnswerReaderTests {
    private let reader = AnswerReader(evidence: ModelPrompt(CoarseBrief(brief(), since: CoarseBrief())).evidence)
    private let source = ModelAdvice.Source(provider: .ollama, model: "m")

    private func advice(_ text: String) -> Result<ModelAdvice, AnswerReader.Objection> {
        Result { () throws(AnswerReader.Objection) in try reader.advice(from: text, source: source) }
    }

    private func opinion(_ change: (String, String)) -> String { goodAnswer.replacing(change.0, with: change.1) }

    @Test func `A good answer is read`() throws {
        let advice = try advice(goodAnswer).get()
        #expect(advice.overall == "One application is odd.")
        #expect(advice.opinions.map(\.application) == [Pseudonym(number: 3)])
    }

    @Test(
        "An answer that breaks a rule is refused",
        arguments: [
            ("64", "101"), ("64", "-1"), ("64", "64.5"), ("64", "1e400"), ("64", "\"64\""), ("64", "null"),
            ("app-3", "app-4"), ("app-3", "redis"), ("suspicious", "evil"), ("[\"e1\", \"e3\"]", "[\"e4\"]"),
            ("[\"e1\", \"e3\"]", "[\"e99\"]"), ("[\"e1\", \"e3\"]", "[1]"), ("[\"e1\", \"e3\"]", "null"),
            ("null", "5"), ("\"recommendation\": null", "\"other\": null"), (", \"recommendation\": null", ""),
            ("\"attention\": 64", "\"attention\": 64, \"attention\": 0"), ("\"overall\"", "\"Overall\""),
            ("One application", String(repeating: "x", count: 400)), ("{\"overall\"", "[{\"overall\""),
        ])
    func refused(change: (String, String)) {
        let text = opinion(change)
        #expect(text != goodAnswer)
        #expect(throws: AnswerReader.Objection.self) { try advice(text).get() }
    }

    @Test func `One application can't be judged twice, nor more than were told of`() {
        let item = goodAnswer.split(separator: "[", maxSplits: 1).last.map { $0.dropLast(2) } ?? ""
        let twice = goodAnswer.dropLast(2) + ", \(item)]}"
        #expect(throws: AnswerReader.Objection("an application stands there twice")) {
            try advice(String(twice)).get()
        }
    }

    @Test func `What a terminal might act on is taken out of texts`() throws {
        let text = opinion(("One application", #"a\u001b[31m\u0000\u202e\u200bb\nc\u2028d"#))
        #expect(try advice(text).get().overall == "a[31mb c d is odd.")
    }

    @Test func `A model can raise attention and never lower it`() throws {
        let opinion = try #require(try advice(goodAnswer).get().opinions.first)
        #expect(opinion.attention(over: 20) == 64 && opinion.attention(over: 85) == 85)
    }

    @Test("Whatever comes is answered, and what is accepted keeps the rules", arguments: 0..<10)
    func fuzz(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in SeededGenerator.rounds(300) {
            let bytes = generator.mutated(Array(goodAnswer.utf8))
            check(String(decoding: bytes, as: UTF8.self))
            let envelope = generator.mutated(completion(goodAnswer))
            judge(envelope)
        }
    }

    @Test("Parts put together at random are answered", arguments: 0..<10)
    func tokens(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let parts = [
            "{", "}", "[", "]", ",", ":", "\"", "\"overall\"", "\"applications\"", "\"id\"", "\"app-3\"",
            "\"evidence\"",
            "\"e1\"", "\"attention\"", "50", "1e999", "-0", "null", "true", "\"verdict\"", "\"benign\"", "\\u0000",
            "\"summary\"", "\"recommendation\"", "```json\n", "\u{FEFF}", " ",
        ]
        for _ in SeededGenerator.rounds(300) {
            let count = Int.random(in: 0...60, using: &generator)
            let text = (0..<count).compactMap { _ in parts.randomElement(using: &generator) }.joined()
            check(text)
            judge(Array(text.utf8))
        }
    }

    @Test func `Nesting without end is refused, not followed`() {
        check(String(repeating: "[", count: 60_000))
        check(String(repeating: "{\"a\":", count: 12_000))
    }

    private func check(_ text: String) {
        guard case .success(let advice) = advice(text) else { return }
        #expect(advice.opinions.count <= 2 && advice.overall.unicodeScalars.count <= 400)
        for opinion in advice.opinions {
            #expect((0...100).contains(opinion.attention) && opinion.summary.unicodeScalars.count <= 400)
            #expect(opinion.evidence.count <= 64)
            #expect(opinion.summary.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        }
    }

    private func judge(_ body: [UInt8]) {
        for provider in ModelProvider.allCases {
            let judge = ReplyJudge(
                dialect: provider.dialect, plan: ModelTable.plan(for: "m", at: provider), reader: reader,
                source: source,
                now: Timestamp(seconds: 0))
            let reply = IncomingReply(
                status: 200, headers: [(name: "content-type", value: "application/json")], body: body)
            _ = judge.verdict(on: reply)
            _ = judge.verdict(on: IncomingReply(status: 400, body: body))
        }
    }
}
