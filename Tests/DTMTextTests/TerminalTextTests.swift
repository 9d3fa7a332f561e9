import DTMCore
import DTMTestSupport
import Testing

@testable import DTMText

@Suite struct TerminalTextTests {
    @Test(arguments: [
        ("redis", "redis"), ("Größe 数", "Größe 数"), ("a\u{1b}[2Jb", #"a\x1b[2Jb"#), ("a\u{9b}31mb", #"a\x9b31mb"#),
        ("a\nb\r\tc", #"a\nb\r\tc"#), ("a\u{7f}", #"a\x7f"#), ("a\u{202e}b", #"a\u{202e}b"#),
        ("\u{2028}", #"\u{2028}"#),
        ("\0", #"\x00"#), ("\u{e0041}", #"\u{e0041}"#),
    ])
    func `What would act on the terminal is shown as an escape`(text: String, expected: String) {
        #expect(shown(text) == expected)
    }

    @Test func `No text of a peer brings a control character to the terminal`() {
        var generator = SeededGenerator(seed: 1)
        for _ in SeededGenerator.rounds(2_000) {
            let text = String(
                decoding: (0..<40).map { _ in UInt8.random(in: .min ... .max, using: &generator) }, as: UTF8.self)
            #expect(shown(text).unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) })
            #expect(
                shownJSON(text).unicodeScalars.allSatisfy {
                    $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) || $0 == "\n" || $0 == "\t"
                })
        }
    }

    @Test func `JSON stays JSON`() {
        #expect(shownJSON("{\n\"a\":\"\u{9b}\u{e0041}\"}") == "{\n\"a\":\"\\u009b\\udb40\\udc41\"}")
    }

    @Test(arguments: [("abc", 3), ("é", 1), ("e\u{301}", 1), ("数字", 4), ("🙂", 2), ("", 0)])
    func `Columns are counted as terminals do`(text: String, width: Int) {
        #expect(columns(of: text) == width)
    }

    @Test(arguments: [("abcdef", 6, "abcdef"), ("abcdef", 4, "abc…"), ("数字", 3, "数…"), ("abc", 1, "…"), ("abc", 0, "")])
    func `A text that is too long ends with an ellipsis`(text: String, width: Int, expected: String) {
        #expect(cut(text, to: width) == expected)
    }

    @Test(arguments: [
        ("/srv/x", "/srv/x"), ("a b", "'a b'"), ("it's", #"'it'\''s'"#), ("", "''"), ("$(x)", "'$(x)'"), ("~", "'~'"),
    ])
    func `A word for the shell is quoted when it must be`(text: String, expected: String) {
        #expect(shellQuoted(text) == expected)
    }
}
