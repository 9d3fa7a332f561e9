import DTMConfiguration
import DTMCore
import Testing

@Suite struct ProviderKeyTests {
    private static let secret = "sk-proj-0123456789"

    private struct Refused: Error {}

    private func lend(_ text: String, to body: (UnsafeRawBufferPointer) throws -> Void) throws -> Configuration {
        try Array(text.utf8).withUnsafeBytes {
            try Configuration.parse(bytes: $0, source: "config.json", receivingKey: body)
        }
    }

    @Test("The key is lent once, where it stands in the file, and is not part of the value") func lent() throws {
        var received: [[UInt8]] = []
        let configuration = try lend(#"{"openai_api_key": "\#(Self.secret)"}"#) { received.append(Array($0)) }
        #expect(received == [Array(Self.secret.utf8)])
        #expect(configuration.openAIKeyPresent)
        #expect(!String(reflecting: configuration).contains("sk-"))
        #expect(!configuration.renderJSON().contains("sk-"))
    }

    @Test("The key of a file that has a problem is not lent") func notLent() {
        #expect(throws: ConfigurationError.self) {
            try lend(#"{"openai_api_key": "\#(Self.secret)", "x": 1}"#) { _ in Issue.record("the key was lent") }
        }
    }

    @Test("A key that can't be stored is an error with its cause") func notStored() {
        let error = #expect(throws: ConfigurationError.self) {
            try lend(#"{"openai_api_key": "\#(Self.secret)"}"#) { _ in throw Refused() }
        }
        #expect(error?.code == .keyNotStored)
        #expect(error?.cause is Refused)
    }

    @Test(
        "A key of another form is refused, and never shown",
        arguments: [
            "\"\"", "\"********\"", "\"sk-a b\"", "\"sk-\\u0041\"", "\"sk-é\"", "12345", "[\"sk-x\"]", "null",
            "\"" + String(repeating: "x", count: 513) + "\"",
        ])
    func refused(value: String) {
        let found = problems("{\"openai_api_key\": \(value)}")
        #expect(found.map(\.keyPath) == ["openai_api_key"])
        #expect(found.first?.value == "\"********\"")
    }

    @Test(
        "A key in the wrong place is not shown either",
        arguments: [
            #"{"openai_api_kei": "sk-proj-0123456789"}"#, #"{"analysis": {"openai_api_key": "sk-proj-0123456789"}}"#,
            #"{"analysis": {"enabled": "sk-proj-0123456789"}}"#, #"{"analysis": ["sk-proj-0123456789"]}"#,
            #"{"analysis": {"enabled": {"openai_api_key": "other-form"}}}"#, #"["sk-proj-0123456789"]"#,
        ])
    func misplaced(text: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try parse(text) }
        #expect(!error.description.contains("0123456789"))
        #expect(!error.description.contains("other-form"))
    }

    @Test("Showing a configuration masks the key, and the mask is refused as a key") func masked() throws {
        let configuration = try parse(#"{"openai_api_key": "\#(Self.secret)"}"#)
        #expect(configuration.renderJSON().contains(#""openai_api_key": "********""#))
        #expect(!configuration.renderJSON(masked: false).contains("openai_api_key"))
        #expect(problems(configuration.renderJSON()).map(\.keyPath) == ["openai_api_key"])
    }
}
