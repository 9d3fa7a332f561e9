import Testing

@testable import DTMCommands

@Suite struct TextTableTests {
    private func table(_ rows: [[String]]) -> TextTable {
        var table = TextTable([.text("NAME", least: 6), .number("CONN"), .text("TARGET", least: 8)])
        for row in rows { table.add(row.map { TextTable.Cell($0) }) }
        return table
    }

    @Test func `Columns are as wide as what is in them`() {
        #expect(
            table([["redis", "3", "127.0.0.1:6379"], ["web", "12", "unix:/run/web"]]).lines(.plain) == [
                "NAME   CONN  TARGET", "redis     3  127.0.0.1:6379", "web      12  unix:/run/web",
            ])
    }

    @Test func `A narrow terminal cuts the widest columns first, down to their least width`() {
        let rows = [["a-very-long-tunnel-name", "3", "an-even-longer-target.example:6379"]]
        #expect(
            table(rows).lines(TextStyle(width: 40, hasColour: false)) == [
                "NAME              CONN  TARGET", "a-very-long-tun…     3  an-even-longer-…",
            ])
        #expect(
            table(rows).lines(TextStyle(width: 5, hasColour: false)) == [
                "NAME    CONN  TARGET", "a-ver…     3  an-even…",
            ])
    }

    @Test func `A pipe gets everything`() {
        let long = String(repeating: "x", count: 500)
        #expect(table([[long, "1", long]]).lines(.plain).last == "\(long)     1  \(long)")
    }

    @Test func `Colours are around the text and not the padding`() {
        var table = TextTable([.text("A"), .text("B")])
        table.add([.init("x", .red), "yy"])
        #expect(
            table.lines(TextStyle(width: nil, hasColour: true)) == [
                "\u{1b}[1mA\u{1b}[0m  \u{1b}[1mB\u{1b}[0m", "\u{1b}[31mx\u{1b}[0m  yy",
            ])
    }

    @Test func `No cell brings a control character`() {
        #expect(table([["a\u{1b}]0;owned\u{7}", "1", "b\nc"]]).lines(.plain).last == #"a\x1b]0;owned\x07     1  b\nc"#)
    }

    @Test func `Fields stand below each other`() {
        #expect(fields([("home", "/x"), ("state", "y")]) == ["  home   /x", "  state  y"])
    }
}
