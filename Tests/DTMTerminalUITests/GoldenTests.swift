import DTMAPI
import DTMTestSupport
import Testing

@testable import DTMTerminalUI

/// Whole screens, held against `Golden/`. `UPDATE_SNAPSHOTS=1` writes them anew; look at the difference.
struct GoldenTests {
    static let golden = Snapshots("Golden")

    struct Size: Sendable, CustomTestStringConvertible {
        var columns: Int
        var rows: Int
        var testDescription: String { "\(columns)x\(rows)" }
    }

    static let sizes = [Size(columns: 80, rows: 24), Size(columns: 120, rows: 40), Size(columns: 200, rows: 60)]

    /// What is pressed to get there.
    static let places: [(name: String, keys: [Key])] = [
        ("applications", []), ("details", [.enter]), ("unprotected", [.down, .down, .down, .enter]),
        ("tunnels", [.tab]), ("tunnel", [.tab, .enter]), ("findings", [.character("3")]),
        ("security", [.character("4")]), ("events", [.character("5")]), ("event", [.character("5"), .enter]),
        ("performance", [.character("6")]), ("help", [.character("?")]), ("unprotect", [.character("p")]),
        ("filter", [.character("/"), .character("n"), .character("g")]), ("analyse", [.character("P")]),
    ]

    @Test(arguments: places.map(\.name), sizes)
    func `Each screen at each size is as it was agreed on`(_ place: String, _ size: Size) throws {
        var model = Samples.model(rows: size.rows, columns: size.columns)
        let keys = try #require(Self.places.first { $0.name == place }).keys
        for key in keys { _ = model.handle(key) }
        try Self.golden.compare(model.text, with: "\(place)-\(size.columns)x\(size.rows)")
    }

    @Test(arguments: sizes)
    func `Findings are shown with the risk of the machine, and one of them with all there is`(_ size: Size) throws {
        var model = Samples.model(rows: size.rows, columns: size.columns) { $0.findings = Samples.findings }
        model.press(.character("3"))
        try Self.golden.compare(model.text, with: "found-\(size.columns)x\(size.rows)")
        model.press(.enter)
        try Self.golden.compare(model.text, with: "finding-\(size.columns)x\(size.rows)")
        model.press(.escape, .character("2"), .enter, .end)
        #expect(model.text.contains("= 100 × (1 − ") || size.rows < 40)
    }

    /// What is pressed for what is done about findings.
    static let responsePlaces: [(name: String, keys: [Key])] = [
        ("responses", [.character("3")]), ("response", [.character("3"), .enter]),
        ("responded", [.character("3"), .down, .down, .down, .down, .enter]),
        ("approve", [.character("3"), .character("a")]), ("undo", [.character("3"), .end, .up, .character("u")]),
        ("stop", [.character("3"), .character("X")]),
    ]

    private static func responded(_ place: String, _ size: Size, glyphs: Glyphs = .unicode) throws -> ConsoleModel {
        var model = Samples.model(rows: size.rows, columns: size.columns, glyphs: glyphs) {
            $0.findings = Samples.findings
            $0.responses = Samples.responses
        }
        for key in try #require(responsePlaces.first { $0.name == place }).keys { _ = model.handle(key) }
        return model
    }

    @Test(arguments: responsePlaces.map(\.name), sizes)
    func `What is done about findings, and what is asked before it is decided`(_ place: String, _ size: Size) throws {
        try Self.golden.compare(
            Self.responded(place, size).text, with: "\(place)-\(size.columns)x\(size.rows)")
        let ascii = try Self.responded(place, size, glyphs: .ascii)
        #expect(ascii.text.utf8.allSatisfy { $0 < 0x80 })
    }

    @Test(arguments: [ColourDepth.none, .sixteen, .twoHundredFiftySix])
    func `Responses look as agreed on at each depth of colours`(_ depth: ColourDepth) throws {
        let grid = ConsoleView.grid(try Self.responded("responses", Self.sizes[0]))
        try Self.golden.compare(grid.ansi(Palette(depth: depth)), with: "colours-responses-\(depth)-80x24")
    }

    private static func analysed(_ size: Size, glyphs: Glyphs = .unicode, _ keys: Key...) -> ConsoleModel {
        var model = Samples.model(rows: size.rows, columns: size.columns, glyphs: glyphs) {
            $0.findings = Samples.findings
        }
        for effect in keys.flatMap({ model.handle($0) }) {
            guard case .loadAnalysis = effect else { continue }
            _ = model.apply(.outcome(.init(effect: effect, value: .analysis(Samples.analysis))))
        }
        return model
    }

    @Test(arguments: sizes)
    func `What the analyst knows is shown in full, and in short where it stands in details`(_ size: Size) throws {
        let suffix = "\(size.columns)x\(size.rows)"
        var model = Self.analysed(size, .character("2"), .character("P"), .enter)
        try Self.golden.compare(model.text, with: "analysis-\(suffix)")
        model.press(.end)
        try Self.golden.compare(model.text, with: "analysis-end-\(suffix)")
        var short = Self.analysed(size, .character("2"), .enter)
        short.press(.end)
        try Self.golden.compare(short.text, with: "analysis-short-\(suffix)")
        var ascii = Self.analysed(size, glyphs: .ascii, .character("2"), .character("P"), .enter)
        #expect(ascii.text.utf8.allSatisfy { $0 < 0x80 })
        ascii.press(.end)
        #expect(ascii.text.utf8.allSatisfy { $0 < 0x80 })
    }

    @Test(arguments: [ColourDepth.none, .sixteen, .twoHundredFiftySix])
    func `The analysis looks as agreed on at each depth of colours`(_ depth: ColourDepth) throws {
        let grid = ConsoleView.grid(Self.analysed(Self.sizes[0], .character("2"), .character("P"), .enter))
        try Self.golden.compare(grid.ansi(Palette(depth: depth)), with: "colours-analysis-\(depth)-80x24")
    }

    @Test
    func `Where nothing was found it says so, with the risk`() throws {
        var model = Samples.model(rows: 24, columns: 80) { update in
            update.findings = FindingList(available: true, findings: [])
            update.findings?.risk = FindingRisk(machine: 0, threshold: 70, arithmetic: "", apps: [], tunnels: [])
        }
        model.press(.character("3"))
        try Self.golden.compare(model.text, with: "nothing-found-80x24")
    }

    @Test(arguments: [ColourDepth.none, .sixteen, .twoHundredFiftySix])
    func `The list looks as agreed on at each depth of colours`(_ depth: ColourDepth) throws {
        let grid = ConsoleView.grid(Samples.model(rows: 24, columns: 80))
        try Self.golden.compare(grid.ansi(Palette(depth: depth)), with: "colours-\(depth)-80x24")
    }

    @Test(arguments: places.map(\.name))
    func `In ASCII there is nothing but ASCII, besides what names bring`(_ place: String) throws {
        var model = Samples.model(rows: 24, columns: 80, glyphs: .ascii) { update in
            update.apps = update.apps.filter { $0.application.utf8.allSatisfy { $0 < 0x80 } }
        }
        let keys = try #require(Self.places.first { $0.name == place }).keys
        for key in keys { _ = model.handle(key) }
        #expect(model.text.utf8.allSatisfy { $0 < 0x80 })
        if place == "applications" || place == "details" {
            try Self.golden.compare(model.text, with: "ascii-\(place)-80x24")
        }
    }

    @Test
    func `The smallest terminal shows a list, and one below it says what is missing`() throws {
        try Self.golden.compare(Samples.model(rows: 15, columns: 60).text, with: "applications-60x15")
        try Self.golden.compare(Samples.model(rows: 14, columns: 59).text, with: "too-small")
    }

    @Test
    func `A manager that is away, one that was never there, and a paused console say so`() throws {
        var model = Samples.model(rows: 24, columns: 80)
        _ = model.apply(.lost("nobody answers at /run/dtm/control.sock"))
        _ = model.tick(at: .seconds(32))
        try Self.golden.compare(model.text, with: "away-80x24")
        let new = ConsoleModel(canvas: Canvas(rows: 24, columns: 80))
        try Self.golden.compare(new.text, with: "connecting-80x24")
        var paused = Samples.model(rows: 24, columns: 80)
        paused.press(.character(" "))
        try Self.golden.compare(paused.text, with: "paused-80x24")
    }
}
