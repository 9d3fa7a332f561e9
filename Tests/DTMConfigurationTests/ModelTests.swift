import DTMConfiguration
import DTMCore
import Testing

@Suite struct ModelTests {
    private func models(_ text: String) throws -> [ModelEndpoint] {
        try parse(#"{"analysis": {"models": [\#(text)]}}"#).modelEndpoints
    }

    private func paths(_ text: String) -> [String] {
        problems(#"{"analysis": {"models": [\#(text)]}}"#).map(\.keyPath)
    }

    @Test("Without models and a key nobody is asked; with the key OpenAI is") func defaults() throws {
        #expect(try parse("{}").modelEndpoints == [])
        let seed = try parse(#"{"openai_api_key": "sk-1"}"#).modelEndpoints
        #expect(seed.map(\.model) == ["gpt-4"] && seed.map(\.key) == [.kept])
        #expect(seed.map(\.url.description) == ["https://api.openai.com/v1"])
    }

    @Test("A model has its provider's URL and key, unless the file says otherwise") func read() throws {
        let models = try models(
            #"""
            {"provider": "ollama", "model": "a"}, {"provider": "openai-responses", "model": "b", "dailyRequests": 5},
            {"provider": "anthropic", "model": "c", "credential": "anthropic.key", "temperature": 0.5},
            {"provider": "openai-compatible", "model": "d", "url": "http://[::1]:8000/v1/", "keyFile": "/etc/dtm/key"}
            """#)
        #expect(models.map(\.url.host) == ["127.0.0.1", "api.openai.com", "api.anthropic.com", "[::1]"])
        #expect(
            models.map(\.key) == [
                .none, .kept, .credential(name: "anthropic.key"), .file(path: "/etc/dtm/key"),
            ])
        #expect(models.map(\.dailyRequests) == [200, 5, 200, 200] && models[2].temperature == 0.5)
    }

    @Test("Models are written and read back") func rendered() throws {
        let text = #"{"analysis": {"models": [{"provider": "anthropic", "model": "c", "keyFile": "/k"}]}}"#
        let configuration = try parse(text)
        #expect(try parse(configuration.renderJSON()) == configuration)
    }

    @Test(
        "What is not allowed is named",
        arguments: [
            (#"{"model": "m"}"#, "analysis.models[0].provider"),
            (#"{"provider": "ollama"}"#, "analysis.models[0].model"),
            (#"{"provider": "olama", "model": "m"}"#, "analysis.models[0].provider"),
            (#"{"provider": "openai-compatible", "model": "m"}"#, "analysis.models[0].url"),
            (#"{"provider": "ollama", "model": "m", "url": "http://10.0.0.1"}"#, "analysis.models[0].url"),
            (#"{"provider": "openai-compatible", "model": "m", "url": "host"}"#, "analysis.models[0].url"),
            (#"{"provider": "ollama", "model": "m", "key": "sk-1"}"#, "analysis.models[0].key"),
            (#"{"provider": "ollama", "model": "m", "keyFile": "key"}"#, "analysis.models[0].keyFile"),
            (#"{"provider": "ollama", "model": "m", "credential": "../key"}"#, "analysis.models[0].credential"),
            (#"{"provider": "ollama", "model": "m", "keyFile": "/k", "credential": "k"}"#, "analysis.models[0]"),
            (#"{"provider": "ollama", "model": "m", "temperature": 3}"#, "analysis.models[0].temperature"),
            (#"{"provider": "ollama", "model": "m", "dailyRequests": 0}"#, "analysis.models[0].dailyRequests"),
            ("5", "analysis.models[0]"),
        ])
    func refused(text: String, path: String) { #expect(paths(text) == [path]) }

    @Test("There are at most eight") func bounded() {
        let many = Array(repeating: #"{"provider": "ollama", "model": "m"}"#, count: 9).joined(separator: ", ")
        #expect(paths(many) == ["analysis.models"])
    }

    @Test("One more place to send to is weaker; another limit is not") func weaker() throws {
        let one = try parse(#"{"analysis": {"models": [{"provider": "ollama", "model": "m"}]}}"#)
        let none = try parse("{}")
        #expect(ConfigurationChange.diff(from: none, to: one).weakenings.map(\.keyPath) == ["analysis.models"])
        #expect(ConfigurationChange.diff(from: one, to: none).weakenings == [])
    }
}
