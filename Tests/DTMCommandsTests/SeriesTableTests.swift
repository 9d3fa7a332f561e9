import DTMAnalysis
import DTMTestSupport
import Testing

@testable import DTMCommands

@Suite struct SeriesTableTests {
    private func rows(_ text: [UInt8], chunk: Int = 7) throws -> [SeriesRow] {
        var table = SeriesTable()
        var rows: [SeriesRow] = []
        for start in stride(from: 0, to: text.count, by: chunk) {
            try table.feed(text[start..<min(start + chunk, text.count)]) { rows.append($0) }
        }
        try table.finish { rows.append($0) }
        return rows
    }

    private func failure(_ text: [UInt8]) -> SeriesTable.Failure? {
        do {
            _ = try rows(text)
            return nil
        } catch {
            return error as? SeriesTable.Failure
        }
    }

    @Test func `A mark, headings, carriage returns, quotes, blanks and empty lines are as people export them`() throws {
        let text =
            "\u{feff}timestamp,value\r\n\"2014-04-01 00:00:00\", \"1.5\"\r\n\r\n2014-04-01T00:05:00Z , -2e3 \n1396310700,"
        let rows = try rows(Array(text.utf8))
        #expect(rows.map(\.sample.time) == [1_396_310_400, 1_396_310_700, 1_396_310_700])
        #expect(rows.prefix(2).map(\.sample.value) == [1.5, -2_000])
        #expect(rows[2].sample.value.isNaN)
        #expect(rows.map(\.value) == ["1.5", "-2e3", ""])
    }

    @Test(arguments: [
        ("2014-04-01 00:00:00.25", 1_396_310_400.25), ("2014-04-01T02:00:00+02:00", 1_396_310_400),
        ("2014-03-31T22:30:00-01:30", 1_396_310_400), ("0", 0), ("-1.5", -1.5), ("2016-02-29 00:00:00", 1_456_704_000),
    ])
    func `Moments are read in each of the three forms`(text: String, seconds: Double) {
        #expect(SeriesTime.seconds(text) == seconds)
    }

    @Test(arguments: [
        "", "2014-02-30 00:00:00", "2014-04-01", "2014-04-01 24:00:00", "2014-04-01 00:00:00.", "2014-04-01 00:00:00x",
        "2014-04-01T00:00:00+2:00", "0000-01-01 00:00:00", "1e300", "nan", "0x10", "٢٠١٤-04-01 00:00:00",
    ])
    func `What is no moment is refused`(text: String) {
        #expect(SeriesTime.seconds(text) == nil)
    }

    @Test func `An error names the line and what is wrong with it`() {
        let good = "timestamp,value\n1,2\n"
        let cases: [(String, Int, String)] = [
            ("1,two", 3, "has the value 'two'"), ("yesterday,2", 3, "has the timestamp 'yesterday'"),
            ("1,2,3", 3, "has 3 fields"),
            ("1", 3, "has 1 fields"), ("1,\"2", 3, "is not closed"), ("1,\"2\"x", 3, "behind a closing quote"),
            ("1,inf", 3, "has the value 'inf'"), ("1,0x1p3", 3, "has the value '0x1p3'"),
            ("timestamp,value", 3, "has the timestamp"),
            (String(repeating: "9", count: 5_000), 3, "more than 1024 bytes"),
        ]
        for (line, number, words) in cases {
            let failure = failure(Array((good + line + "\n").utf8))
            #expect(failure?.line == number)
            #expect(failure?.message.contains(words) == true, "\(line): \(failure?.message ?? "accepted")")
        }
        #expect(failure(Array("1,2\n".utf8) + [0x31, 0x2c, 0xff])?.message == "is not UTF-8")
        #expect(failure([])?.message.contains("no row") == true)
        #expect(failure(Array("timestamp,value\n".utf8))?.message.contains("no row") == true)
    }

    @Test func `Random bytes are rows or an error with its line, the same in whatever pieces they come`() {
        var generator = SeededGenerator(seed: 11)
        let seedText = Array("timestamp,value\n2014-04-01 00:00:00,1.5\n\"1396310400\",\"2\"\n1396310401,nan\r\n".utf8)
        for _ in SeededGenerator.rounds(500) {
            let text = generator.mutated(seedText)
            let first = Result { try rows(text, chunk: 1) }
            let second = Result { try rows(text, chunk: 4_096) }
            switch (first, second) {
            case (.success(let left), .success(let right)):
                #expect(left.map(\.timestamp) == right.map(\.timestamp) && left.map(\.value) == right.map(\.value))
            case (.failure(let left), .failure(let right)):
                #expect(left as? SeriesTable.Failure == right as? SeriesTable.Failure)
                #expect(left is SeriesTable.Failure)
            default: Issue.record("the pieces made a difference for \(text)")
            }
        }
    }

    @Test func `A score has six decimals, and JSON the reasons`() throws {
        let row = try SeriesRow(line: Array("1,2".utf8))
        #expect(ScoredRow.score(1) == "1.000000")
        #expect(ScoredRow.score(0.000_012) == "0.000012")
        #expect(ScoredRow.text(row, .init(score: 0.5)) == "1,2,0.500000")
        let reason = Assessment(
            score: 0.9, reasons: [.init(feature: .level, observed: 2, expected: 1, weight: 3, since: 1)])
        #expect(
            ScoredRow.json(row, reason)
                == #"{"timestamp":"1","value":2.0,"score":0.900000,"reasons":[{"feature":"level","observed":2.0,"expected":1.0,"weight":3.0,"since":1.0}]}"#
        )
    }
}
