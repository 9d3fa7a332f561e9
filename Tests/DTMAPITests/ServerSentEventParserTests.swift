import DTMTestSupport
import Testing

@testable import DTMAPI

@Suite struct ServerSentEventParserTests {
    private func parse(_ text: String) throws -> [ServerSentEvent] {
        var parser = ServerSentEventParser()
        return try parser.append(text.utf8)
    }

    @Test func `An event has its type, its id and its data`() throws {
        #expect(
            try parse("event: state\nid: 7\ndata: {}\n\n") == [ServerSentEvent(type: "state", id: "7", data: "{}")])
    }

    @Test func `Several data lines are joined by line feeds`() throws {
        #expect(try parse("data: one\ndata:two\ndata\n\n").map(\.data) == ["one\ntwo\n"])
    }

    @Test(arguments: ["\n", "\r", "\r\n"])
    func `Lines end with any of the three line ends`(end: String) throws {
        let events = try parse(["data: a", "", "data: b", "", ""].joined(separator: end))
        #expect(events.map(\.data) == ["a", "b"])
    }

    @Test func `Comments, unknown fields and retry say nothing`() throws {
        #expect(try parse(": beat\n\nretry: 5\nnonsense\nfoo: bar\n\n").isEmpty)
    }

    @Test func `An id stays until the next one, and one with a zero byte is ignored`() throws {
        let events = try parse("id: 3\ndata: a\n\nid: 4\0\ndata: b\n\ndata: c\n\n")
        #expect(events.map(\.id) == ["3", "3", "3"])
    }

    @Test func `A type without data is an event`() throws {
        #expect(try parse("event: gone\n\n") == [ServerSentEvent(type: "gone", id: nil, data: "")])
    }

    @Test func `A byte order mark at the start is skipped`() throws {
        #expect(try parse("\u{feff}data: a\n\n").map(\.data) == ["a"])
    }

    @Test func `An event that has not ended is not given out`() throws {
        #expect(try parse("data: a\n").isEmpty)
    }

    @Test func `A line that never ends is refused at its limit`() {
        var parser = ServerSentEventParser(maximumLineBytes: 100)
        #expect(throws: ServerSentEventParser.TooLong(limit: 100)) {
            for _ in 0..<101 { _ = try parser.append([UInt8(ascii: "x")]) }
        }
    }

    @Test func `An event of many lines is refused at its limit`() {
        var parser = ServerSentEventParser(maximumLineBytes: 100, maximumEventBytes: 300)
        #expect(throws: ServerSentEventParser.TooLong(limit: 300)) {
            for _ in 0..<100 { _ = try parser.append("data: 0123456789\n".utf8) }
        }
    }

    /// Bytes that hit the parser's branches often.
    private func noise(_ generator: inout SeededGenerator) -> [UInt8] {
        let words = [
            "data", "event", "id", ":", " ", "\n", "\r", "\r\n", "\n\n", "\0", "é", "x", "retry: 1\n", ": c\n",
        ]
        return (0..<Int.random(in: 0..<200, using: &generator)).flatMap { _ -> [UInt8] in
            Bool.random(using: &generator)
                ? Array((words.randomElement(using: &generator) ?? "").utf8)
                : [UInt8.random(in: .min ... .max, using: &generator)]
        }
    }

    @Test func `However the bytes are cut, the same events come out`() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in SeededGenerator.rounds(2_000) {
            let bytes = noise(&generator)
            var whole = ServerSentEventParser(maximumLineBytes: 60, maximumEventBytes: 90)
            var pieces = whole
            let expected = Result { () throws(ServerSentEventParser.TooLong) in try whole.append(bytes) }
            let cuts = bytes.cut(by: &generator)
            let found = Result { () throws(ServerSentEventParser.TooLong) in
                var events: [ServerSentEvent] = []
                for cut in cuts { events += try pieces.append(cut) }
                return events
            }
            #expect(expected == found)
        }
    }
}
