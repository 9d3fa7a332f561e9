import DTMTestSupport
import DTMCore
@testable import DTMTelemetry
import FoundationEssentials
import Testing

@Suite("One line of the log")
struct JSONLineTests {
    private func decoded(_ line: [UInt8]) throws -> [String: DetailValue] {
        try JSONDecoder().decode([String: DetailValue].self, from: Data(line))
    }

    @Test("An event has the schema's names, the first three in the order that the schema asks for")
    func golden() {
        let event = Event(
            time: Timestamp(milliseconds: 1_795_489_390_250), kind: Event.Kind.tunnelRotated, severity: .notice,
            tunnel: "redis", app: "redis-server", identity: "spiffe://x/tunnel/1",
            detail: ["endpoint": "127.0.0.1:5011", "candidate": 2, "forced": true, "ports": .list(["1", "2"])])
        let line = String(decoding: ElasticCommonSchema.line(event, pid: 77), as: UTF8.self)
        #expect(
            line == """
                {"@timestamp":"2026-11-24T03:03:10.250Z","log.level":"notice",\
                "message":"tunnel.rotated tunnel=redis app=redis-server identity=spiffe://x/tunnel/1 candidate=2 \
                endpoint=127.0.0.1:5011 forced=true ports=1,2",\
                "ecs.version":"8.11.0","service.name":"dtm","process.pid":77,"event.kind":"event","event.category":["network"],\
                "event.action":"tunnel.rotated","event.severity":3,"dtm.tunnel":"redis","dtm.app":"redis-server",\
                "dtm.identity":"spiffe://x/tunnel/1","dtm.detail.candidate":2,"dtm.detail.endpoint":"127.0.0.1:5011",\
                "dtm.detail.forced":true,"dtm.detail.ports":["1","2"]}

                """)
    }

    @Test(
        "Nothing in a value can begin a new line or steer a terminal",
        arguments: [
            "a\nb", "a\r\n{\"event.action\":\"forged\"}", "\u{1b}[2J", "\u{9b}31m", "a\u{2028}b", "a\u{85}b", "\u{0}",
            "\u{7f}",
            "\u{202e}txt.exe", "\",\"event.action\":\"forged", "\\", "\u{e0001}", "\u{feff}",
        ])
    func injection(text: String) throws {
        var event = Event.sample()
        event.tunnel = text
        event.detail = [text: .string(text), "list": .list([text])]
        let line = ElasticCommonSchema.line(event, pid: 1)
        #expect(line.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7f })
        #expect(line.last == UInt8(ascii: "\n"))
        let scalars = String(decoding: line.dropLast(), as: UTF8.self).unicodeScalars
        #expect(!scalars.contains { [.control, .format, .lineSeparator].contains($0.properties.generalCategory) })
        let object = try decoded(line)
        #expect(object["event.action"] == "tunnel.rotated")
        #expect(object["dtm.tunnel"] == .string(text))
        #expect(object["dtm.detail.list"] == .list([text]))
        #expect(object["dtm.detail.\(text)"] == .string(text))
    }

    @Test("Bytes that are not UTF-8 are repaired")
    func invalidUTF8() throws {
        var line = JSONLine()
        line.add("text", String(decoding: [0x61, 0xff, 0xc0, 0x0a] as [UInt8], as: UTF8.self))
        #expect(try decoded(line.finished())["text"] == "a\u{fffd}\u{fffd}\n")
    }

    @Test("Numbers that JSON has no word for become null", arguments: [Double.infinity, -.infinity, .nan])
    func notFinite(number: Double) {
        var line = JSONLine()
        line.add("number", .double(number))
        #expect(line.finished() == Array("{\"number\":null}\n".utf8))
    }

    @Test("A line is bounded, and says when something was left out")
    func bounded() throws {
        var event = Event.sample()
        event.detail = (0..<1_000).reduce(into: [:]) {
            $0["key\($1)"] = .string(String(repeating: "\u{1}", count: 10_000))
        }
        event.detail["list"] = .list(Array(repeating: "entry", count: 100_000))
        let line = ElasticCommonSchema.line(event, pid: 1)
        #expect(line.count <= JSONLine.maximumBytes)
        let object = try decoded(line)
        #expect(object["dtm.truncated"] == true)
        #expect(object["event.action"] == "tunnel.rotated")
    }

    @Test("A long string is cut between characters")
    func longString() throws {
        var line = JSONLine()
        line.add("text", String(repeating: "é", count: 5_000))
        #expect(try decoded(line.finished())["text"] == .string(String(repeating: "é", count: 2_048) + "…"))
    }

    @Test("Random strings come back as they went in", arguments: [1, 2] as [UInt64])
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in SeededGenerator.rounds(500) {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let text = String(decoding: bytes, as: UTF8.self)
            var line = JSONLine()
            line.add("text", text)
            let written = line.finished()
            #expect(written.firstIndex(of: UInt8(ascii: "\n")) == written.count - 1)
            #expect(try decoded(written)["text"] == .string(text))
        }
    }
}
