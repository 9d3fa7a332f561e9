import FoundationEssentials
import Testing

/// The reader of the table itself: a rule that can not fail is none.
struct EdgeTableTests {
    private let document = """
        # Title
        <!-- edges:begin -->
        | target | may import | libraries |
        | --- | --- | --- |
        | `Core` | | |
        | `Stage` | `Core` | `Logging` |
        <!-- edges:end -->
        """

    private func package(_ targets: String) throws -> PackageDescription {
        try JSONDecoder().decode(PackageDescription.self, from: Data(#"{"targets": [\#(targets)]}"#.utf8))
    }

    private let core = #"{"name": "Core", "type": "regular", "dependencies": []}"#

    @Test func `A package that keeps to the table has no violations`() throws {
        let stage = #"""
            {"name": "Stage", "type": "regular",
             "dependencies": [{"byName": ["Core", null]}, {"product": ["Logging", "swift-log", null, null]}]}
            """#
        #expect(try EdgeTable(document: document).violations(in: package("\(core), \(stage)")) == [])
    }

    @Test func `An edge to a target or a library that the table does not hold is a violation`() throws {
        let stage = #"""
            {"name": "Stage", "type": "regular",
             "dependencies": [{"target": ["Other", null]}, {"product": ["NIOCore", "swift-nio", null, null]}]}
            """#
        #expect(
            try EdgeTable(document: document).violations(in: package("\(core), \(stage)")) == [
                "Stage → Other is not in the table", "Stage → NIOCore is not in the table",
            ])
    }

    @Test func `A target without a row and a row without a target are violations`() throws {
        let other = #"{"name": "Other", "type": "executable", "dependencies": []}"#
        #expect(
            try EdgeTable(document: document).violations(in: package("\(core), \(other)")) == [
                "Other has no row", "the table's Stage is no target",
            ])
    }

    @Test func `Test targets may import what they like`() throws {
        let tests = #"{"name": "StageTests", "type": "test", "dependencies": [{"byName": ["Other", null]}]}"#
        let stage = #"{"name": "Stage", "type": "regular", "dependencies": []}"#
        #expect(try EdgeTable(document: document).violations(in: package("\(core), \(stage), \(tests)")) == [])
    }

    @Test(
        "A table that is missing or malformed is an error",
        arguments: ["", "<!-- edges:begin -->\n| a | b |\n| - | - |\n| `A` | `B` |\n<!-- edges:end -->"])
    func malformed(document: String) {
        #expect(throws: EdgeTable.Malformed.self) { try EdgeTable(document: document) }
    }
}
