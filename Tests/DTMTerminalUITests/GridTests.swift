import DTMTestSupport
import Testing

@testable import DTMTerminalUI

/// The grid as a value: what is drawn where, and what never reaches a terminal.
struct GridTests {
    @Test func `Text is cut off at every edge`() {
        var grid = Grid(rows: 2, columns: 5)
        grid.put("abcdefgh", row: 0, column: 2, style: .text)
        grid.put("abcdefgh", row: 1, column: -3, style: .text)
        grid.put("x", row: -1, column: 0, style: .text)
        grid.put("x", row: 2, column: 0, style: .text)
        grid.put("x", row: 0, column: 5, style: .text)
        #expect(grid.lines == ["  abc", "defgh"])
    }

    @Test func `Half of a wide character is never left over`() {
        var grid = Grid(rows: 1, columns: 5)
        grid.put("日本", row: 0, column: 0, style: .text)
        grid.put("x", row: 0, column: 1, style: .text)
        #expect(grid.lines == [" x本"])
        grid.put("語", row: 0, column: 4, style: .text)
        #expect(grid.lines == [" x本"])
    }

    @Test func `Marks combine with what stands before them, two at the most`() {
        var grid = Grid(rows: 1, columns: 4)
        grid.put("\u{301}e\u{301}\u{302}\u{303}\u{304}x", row: 0, column: 0, style: .text)
        #expect(grid.lines == ["e\u{301}\u{302}x"])
    }

    @Test func `Nothing that acts on a terminal gets into a cell`() {
        let harmful = [
            "\u{1b}[31m", "\u{7}", "\u{9b}", "\u{202e}", "\u{200b}", "\u{2066}", "\n", "\r", "\t", "\u{ad}", "\u{feff}",
        ]
        for text in harmful {
            var grid = Grid(rows: 1, columns: 12)
            grid.put("a\(text)b", row: 0, column: 0, style: .text)
            let scalars = grid.lines.joined().unicodeScalars
            #expect(scalars.allSatisfy { (0x20...0x7e).contains($0.value) }, "\(text.debugDescription)")
        }
    }

    @Test func `Whatever is drawn, a grid keeps its size, its tails and its harmlessness`() {
        for seed in SeededGenerator.seeds(400) {
            var generator = SeededGenerator(seed: seed)
            let columns = Int.random(in: 1...20, using: &generator)
            var grid = Grid(rows: 3, columns: columns)
            for _ in 0..<30 {
                let text = String(
                    String.UnicodeScalarView(
                        (0..<Int.random(in: 0...12, using: &generator)).compactMap { _ in
                            Unicode.Scalar(UInt32.random(in: 0...0x2ffff, using: &generator))
                        }))
                grid.put(
                    text, row: Int.random(in: -1...3, using: &generator),
                    column: Int.random(in: -3...columns, using: &generator), style: Style(.good))
            }
            #expect(grid.cells.count == 3 * columns)
            for row in 0..<3 {
                #expect(!grid[row, 0].isTail)
                for column in 0..<columns {
                    let value = grid[row, column].scalar
                    #expect(value == 0 || value >= 0x20 && !(0x7f...0x9f).contains(value) && value != 0x202e)
                }
            }
        }
    }

    @Test func `A bar is as wide as it is told to be, whatever its part`() {
        for glyphs in [Glyphs.unicode, .ascii] {
            for part in [-1, 0, 0.01, 0.5, 0.999, 1, 7, .nan, .infinity] {
                let bar = glyphs.bar(part, width: 9)
                #expect((bar.filled + bar.rest).count == 9)
            }
        }
    }

    @Test func `A sparkline shows what is known to be nothing as its lowest step, and the unknown as a blank`() {
        #expect(Glyphs.unicode.sparkline([nil, 0, 0.001, 4, 8], width: 6, maximum: 8) == "  ▁▂▅█")
        #expect(Glyphs.ascii.sparkline([0, 8], width: 2, maximum: 8) == "_#")
    }
}
