import DTMAPI
import Testing

@testable import DTMTerminalUI

/// How the analyst is asked, and what comes of its answers.
struct AnalysisKeyTests {
    private func type(_ text: String, into model: inout ConsoleModel) -> [Effect] {
        model.press(.character("P"), .control("u"))
        for character in text { model.press(.character(character)) }
        return model.press(.enter)
    }

    private func answer(_ name: String, _ change: (inout AnalysisReport) -> Void = { _ in }) -> ConsoleNews {
        var report = Samples.analysis
        change(&report)
        return .outcome(.init(effect: .loadAnalysis(name), value: .analysis(report)))
    }

    @Test func `P asks for a PID, offers the selected one, and refuses what is none`() {
        var model = Samples.model()
        model.press(.character("P"))
        #expect(model.text.contains("> 2345_"))
        #expect(model.press(.enter) == [.loadAnalysis("2345")])
        #expect(model.details == [.analysis("2345")] && model.text.contains("Being asked for"))
        model.press(.escape)
        #expect(type("x", into: &model).isEmpty)
        #expect(model.message?.text == "x is no PID, no application and no tunnel")
        #expect(type("9", into: &model).isEmpty && model.message?.kind == .failed && model.details.isEmpty)
        #expect(type("-1", into: &model).isEmpty && model.message?.kind == .failed)
        #expect(type("", into: &model).isEmpty && model.message?.kind == .failed)
    }

    @Test func `A tunnel and an application are taken by their names, and one analysis takes the place of another`() {
        var model = Samples.model()
        #expect(type("redis", into: &model) == [.loadAnalysis("redis")])
        #expect(type("nginx", into: &model) == [.loadAnalysis("nginx")])
        #expect(model.details == [.analysis("nginx")])
        model.press(.escape, .character("2"), .character("P"))
        #expect(model.text.contains("> 1234_"))
    }

    @Test func `Who may only look may ask`() {
        var model = Samples.model(options: ConsoleOptions(isReadOnly: true))
        #expect(type("redis", into: &model) == [.loadAnalysis("redis")])
    }

    @Test func `It is asked anew every two seconds while it is looked at, and never twice at a time`() {
        var model = Samples.model()
        #expect(type("redis", into: &model) == [.loadAnalysis("redis")])
        #expect(model.tick(at: .seconds(25)).isEmpty)
        _ = model.apply(answer("redis"))
        #expect(model.text.contains("Both ways alike"))
        #expect(model.tick(at: .seconds(26)) == [.loadAnalysis("redis")])
        _ = model.apply(answer("redis") { $0.subjects[0].patterns = ["Something else."] })
        #expect(model.text.contains("Something else."))
        #expect(model.tick(at: .seconds(27)).isEmpty)
        model.press(.escape)
        #expect(model.tick(at: .seconds(90)).isEmpty)
    }

    @Test func `An answer that never comes is given up`() {
        var model = Samples.model()
        _ = type("redis", into: &model)
        #expect(model.tick(at: .seconds(39)).isEmpty)
        #expect(model.tick(at: .seconds(41)) == [.loadAnalysis("redis")])
    }

    @Test func `A paused console keeps what it shows, and asks for what it never had`() {
        var model = Samples.model()
        _ = type("redis", into: &model)
        _ = model.apply(answer("redis"))
        model.press(.character(" "))
        #expect(model.tick(at: .seconds(60)).isEmpty)
        #expect(type("nginx", into: &model) == [.loadAnalysis("nginx")])
        model.press(.character(" "))
        _ = model.apply(answer("nginx"))
        #expect(model.tick(at: .seconds(99)) == [.loadAnalysis("nginx")])
    }

    @Test func `Details ask about themselves, and an answer about another is not shown`() {
        var model = Samples.model()
        #expect(model.press(.character("2"), .enter) == [.loadAnalysis("redis")])
        _ = model.apply(answer("redis"))
        model.press(.end)
        #expect(model.text.contains("threat, risk 81 of 100"))
        model.press(.escape)
        #expect(model.press(.down, .enter) == [.loadAnalysis("web")])
        _ = model.apply(answer("redis"))
        model.press(.end)
        #expect(model.text.contains("Analysis is being asked for."))
    }

    @Test func `Whom the analyst does not know is said in its place, not as a failure of a key`() {
        var model = Samples.model()
        _ = type("5000", into: &model)
        _ = model.apply(
            .outcome(
                .init(effect: .loadAnalysis("5000"), value: .failed(message: "there is no 5000", hint: "dtm apps"))))
        #expect(model.message == nil && model.text.contains("there is no 5000") && model.text.contains("dtm apps"))
    }

    @Test func `What a manager said last stays while it is away`() {
        var model = Samples.model()
        _ = type("redis", into: &model)
        _ = model.apply(answer("redis"))
        _ = model.tick(at: .seconds(30))
        _ = model.apply(.lost("gone"))
        _ = model.apply(.outcome(.init(effect: .loadAnalysis("redis"), value: .failed(message: "gone", hint: nil))))
        #expect(model.text.contains("Both ways alike"))
        #expect(model.tick(at: .seconds(90)).isEmpty)
        _ = model.apply(.update(Samples.snapshot()))
        #expect(model.tick(at: .seconds(91)) == [.loadAnalysis("redis")])
    }

    @Test func `Nothing that a report brings can break a screen`() {
        for columns in [60, 80, 130] {
            var model = Samples.model(rows: 24, columns: columns)
            _ = type("redis", into: &model)
            _ = model.apply(
                answer("redis") { report in
                    report.verdict = "\u{1b}[2J\u{202e}"
                    report.risk = Int.max
                    report.subjects[0].name = String(repeating: "n\u{7}", count: 300)
                    report.subjects[0].patterns = [String(repeating: "w", count: 500), ""]
                    report.subjects[0].metrics = [Double.nan, .infinity, -1e300, 1e300].map { value in
                        .init(
                            name: "m", unit: value > 0 ? "B/s" : "1/s", now: value, minute: value, hour: nil,
                            score: value, recent: [value, 0, value])
                    }
                })
            for _ in 0..<6 {
                let harmful = model.text.unicodeScalars.filter { $0.value < 0x20 && $0 != "\n" || $0 == "\u{202e}" }
                #expect(harmful.isEmpty)
                model.press(.pageDown)
            }
        }
    }
}
