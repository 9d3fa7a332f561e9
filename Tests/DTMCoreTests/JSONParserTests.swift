import Testing

@testable import DTMCore

@Suite struct JSONParserTests {
    private func read(_ bytes: [UInt8], hiding: Set<String> = []) throws -> JSONNode {
        try bytes.withUnsafeBytes { try JSONParser.parse($0, hiding: hiding) }
    }

    private func read(_ text: String, hiding: Set<String> = []) throws -> JSONNode {
        try read(Array(text.utf8), hiding: hiding)
    }

    private func failure(_ bytes: [UInt8]) -> JSONFailure? {
        do {
            _ = try read(bytes)
            return nil
        } catch {
            return error as? JSONFailure
        }
    }

    @Test("Every kind of value is read") func kinds() throws {
        let node = try read(#" {"a": [1, -2.5e-1, true, false, null, "x"], "b": {}, "c": []} "#).withoutPositions
        let elements: [JSONNode] = [
            .number(1), JSONNode(.number(JSONNumber(text: "-2.5e-1"))), .boolean(true), .boolean(false),
            JSONNode(.null), .string("x"),
        ]
        #expect(node == .object([("a", .array(elements)), ("b", .object([])), ("c", .array([]))]))
    }

    @Test("Escapes are decoded, surrogate pairs included") func escapes() throws {
        let node = try read(#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00é😀""#)
        #expect(node.kind == .string("\"\\/\u{08}\u{0c}\n\r\tAé😀é😀"))
    }

    @Test("Positions count lines from line feeds and columns in scalars") func positions() throws {
        let node = try read("{\n  \"é😀\": 1,\r\n \"b\": [\n\t2 ]}")
        guard case .object(let members) = node.kind else { return #expect(Bool(false), "not an object") }
        #expect(members.map(\.position) == [SourcePosition(line: 2, column: 3), SourcePosition(line: 3, column: 2)])
        #expect(members[0].value.position == SourcePosition(line: 2, column: 9))
        guard case .array(let elements) = members[1].value.kind else { return #expect(Bool(false), "not an array") }
        #expect(elements[0].position == SourcePosition(line: 4, column: 2))
    }

    @Test("Whole numbers are known as such however they are written") func numbers() {
        #expect(JSONNumber(text: "1e3").integer == 1_000)
        #expect(JSONNumber(text: "10.0").integer == 10)
        #expect(JSONNumber(text: "0.5").integer == nil)
        #expect(JSONNumber(text: "9223372036854775807").integer == .max)
        #expect(JSONNumber(text: "9223372036854775808").integer == nil)
        #expect(JSONNumber(text: "1e999").value == .infinity)
        #expect(JSONNumber(text: "-1e999").value == -.infinity)
        #expect(JSONNumber(text: "-0").value.sign == .plus)
        #expect(JSONNumber(10.0).text == "10")
        #expect(JSONNumber(0.2).text == "0.2")
    }

    @Test(
        "What RFC 8259 does not allow is refused",
        arguments: [
            "", " ", "{", "[", "\"", "[1,]", "[,1]", "[1 2]", "{\"a\":1,}", "{,}", "{\"a\"}", "{\"a\":}", "{a:1}",
            "{'a':1}",
            "01", "-", "+1", ".5", "1.", "1e", "1e+", "-01", "0x10", "NaN", "Infinity", "True", "nul", "truee", "1 2",
            "{} x",
            "// x\n1", "/* */1", "# x\n1", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
            "\"\\udc00\"", "\"\\ud800\\n\"", "\"a\nb\"", "\"a\tb\"", "\"\u{0}\"", "\u{FEFF}1", "\u{a0}1", "]", "[}",
            "{]",
        ])
    func refusals(text: String) {
        #expect(failure(Array(text.utf8)) != nil)
    }

    @Test(
        "Malformed UTF-8 is refused",
        arguments: [
            [0x80], [0xc0, 0xaf], [0xc1, 0xbf], [0xc3], [0xc3, 0x28], [0xe0, 0x80, 0x80], [0xe2, 0x82],
            [0xed, 0xa0, 0x80],
            [0xf0, 0x80, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0xf0, 0x9f, 0x98],
        ] as [[UInt8]])
    func malformedText(bytes: [UInt8]) {
        #expect(failure([0x22] + bytes + [0x22])?.allowed == "well-formed UTF-8")
    }

    @Test("A failure says where, what and what instead") func failureText() {
        #expect(
            failure(Array("{\n  \"a\": 1,\n}".utf8))
                == JSONFailure(
                    found: "'}'", allowed: "a key; there is no comma after the last member",
                    position: SourcePosition(line: 3, column: 1)))
        #expect(failure([0x5b])?.found == "the end of the file")
        #expect(failure([0x01])?.found == "the byte 0x01")
    }

    @Test("Depth is bounded") func depth() {
        func nested(_ levels: Int) -> [UInt8] {
            Array(String(repeating: "[", count: levels).utf8) + Array(String(repeating: "]", count: levels).utf8)
        }
        #expect(failure(nested(16)) == nil)
        #expect(failure(nested(17))?.allowed == "at most 16 levels of nesting")
        #expect(failure([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)) != nil)
    }

    @Test("Size, number of values and length of numbers are bounded") func bounds() {
        #expect(
            failure([UInt8](repeating: 0x20, count: JSONParser.maximumBytes + 1))?.allowed == "at most 1048576 bytes")
        let many = "[" + String(repeating: "0,", count: JSONParser.maximumValues) + "0]"
        #expect(failure(Array(many.utf8))?.allowed == "at most 100000 values")
        #expect(failure([UInt8](repeating: UInt8(ascii: "1"), count: 65)) != nil)
        #expect(failure([UInt8](repeating: UInt8(ascii: "1"), count: 64)) == nil)
    }

    @Test("A hidden string is checked and located, and not decoded") func hidden() throws {
        let text = #"{"k": "abc", "n": {"k": "a\u0062"}, "s": "***", "x": 1}"#
        let node = try read(text, hiding: ["k", "s", "x"])
        guard case .object(let members) = node.kind, case .object(let inner) = members[1].value.kind else {
            return #expect(Bool(false), "not an object")
        }
        #expect(members[0].value.kind == .hidden(HiddenText(range: 7..<10, isPlain: true, isMask: false)))
        guard case .hidden(let escaped) = inner[0].value.kind, case .hidden(let mask) = members[2].value.kind else {
            return #expect(Bool(false), "not hidden")
        }
        #expect(!escaped.isPlain)
        #expect(mask.isMask)
        #expect(members[3].value.kind == .number(JSONNumber(1)))
        #expect(throws: JSONFailure.self) { try read(#"{"k": "a\x"}"#, hiding: ["k"]) }
    }

    @Test("The writer escapes what a terminal might act on") func writer() {
        #expect(JSONWriter.quoted("a\u{1b}[2J\u{202e}\u{9b}\u{7f}\"\\\n") == #""a\u001b[2J\u202e\u009b\u007f\"\\\n""#)
        #expect(JSONWriter.quoted("é😀") == "\"é😀\"")
        #expect(JSONWriter.quoted("\u{e0001}") == #""\udb40\udc01""#)
    }
}

extension JSONNode {
    var withoutPositions: JSONNode {
        switch kind {
        case .array(let elements): .array(elements.map(\.withoutPositions))
        case .object(let members): .object(members.map { ($0.name, $0.value.withoutPositions) })
        default: JSONNode(kind)
        }
    }
}
