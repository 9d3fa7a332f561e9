import DTMAPI
import DTMCore
import DTMModels
import DTMSecrets
import Glibc
import Synchronization
import Testing

@testable import DTMManager

@Suite struct ModelServiceTests {
    private static func configuration(models: Int = 1, threshold: Double = 0.7) -> String {
        let all = (0..<models).map {
            #"{"provider": "openai-compatible", "url": "http://127.0.0.1:9/v1", "model": "m\#($0)"}"#
        }
        return """
            {"analysis": {"enabled": true, "intervalSeconds": 1, "securityThreshold": \(threshold), \
            "models": [\(all.joined(separator: ", "))]}}
            """
    }

    @Test func `Advice shows beside the findings, in status and as it would be sent, and no response comes of it`()
        async throws
    {
        let transport = ScriptedTransport.always("malicious", 100)
        var options = try ControlFixture.redis()
        options.configuration = Self.configuration()
        options.modelTransport = { transport }
        try await ControlFixture.run(options) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "canary"))
            for try await event in try await control.client.followEvents(after: 0) where event.kind == "model.attention"
            {
                #expect(event.tunnel == nil && event.severity == .warning)
                break
            }
            let report = try await control.client.analysis(of: "canary")
            #expect(report.opinions?.map(\.summary) == ["Stop everything."] && report.risk == 0)
            #expect(report.findings.map(\.source) == ["model"] && report.findings.first?.verdict == "suspicious")
            let list = try await control.client.findings()
            #expect(list.findings.map(\.code) == ["model.attention"] && list.risk?.machine == 0)
            let responses = try await control.client.responses()
            #expect(responses.active.isEmpty && responses.pending.isEmpty)
            let model = try #require(try await control.client.status().models?.first)
            #expect(model.name == "openai-compatible m0" && model.state == "ready" && model.lastError == nil)
            #expect(model.requestsToday == transport.requests.count)
            let shown = try await control.client.modelPrompt()
            #expect(shown.enabled && shown.applications == 1 && shown.requests.map(\.body) == [transport.requests.last])
            #expect(transport.requests.allSatisfy { !$0.contains("canary") && !$0.contains("redis") })
        }
        #expect(transport.shutdowns == 1)
    }

    @Test func `Another configuration makes another panel only when models are asked otherwise`() async throws {
        let made = Mutex(0)
        let transport = ScriptedTransport.always("benign", 0)
        var options = ControlFixture.Options(configuration: "{}")
        options.modelTransport = {
            made.withLock { $0 += 1 }
            return transport
        }
        try await ControlFixture.run(options) { control in
            func reports(_ text: String, until isThere: ([ModelReport]) -> Bool) async throws {
                control.source.write(text)
                _ = try await control.client.reloadConfiguration()
                var models = try await control.client.status().models ?? []
                while !isThere(models) { models = try await control.client.status().models ?? [] }
            }
            #expect(try await control.client.status().models == [])
            #expect(try await control.client.modelPrompt().requests.isEmpty)
            #expect(made.withLock(\.self) == 0)
            try await reports(Self.configuration()) { $0.count == 1 }
            try await reports(Self.configuration(threshold: 0.5)) { $0.count == 1 }
            #expect(made.withLock(\.self) == 1 && transport.shutdowns == 0)
            try await reports(Self.configuration(models: 2, threshold: 0.5)) { $0.count == 2 }
            #expect(made.withLock(\.self) == 2)
            try await reports("{}", until: \.isEmpty)
        }
        #expect(made.withLock(\.self) == 2 && transport.shutdowns == 2)
    }

    @Test func `The key of the configuration is held for as long as that is in force, and told of once`() async throws {
        let key = "sk-held-0123456789"
        try await ControlFixture.run(ControlFixture.Options()) { control in
            let holder = control.assembly.setting.providerKey
            #expect(holder.key == nil)
            control.source.write(#"{"openai_api_key": "\#(key)"}"#)
            _ = try await control.client.reloadConfiguration()
            let held = try #require(holder.key)
            #expect(held.bytes.withBytes { $0.withUnsafeBytes { Array($0) } } == Array(key.utf8))
            let event = try await control.client.events().events.first { $0.kind == "model.key_in_file" }
            #expect(event?.severity == .warning && "\(String(describing: event))".contains(key) == false)
            control.source.write(#"{"openai_api_key": "sk-other-0123456789", "nonsense": 1}"#)
            _ = try? await control.client.reloadConfiguration()
            #expect(holder.key === held)
            control.source.write("{}")
            _ = try await control.client.reloadConfiguration()
            #expect(holder.key == nil)
        }
    }

    @Test func `Who may not steer is neither told of models nor shown what would be sent`() async throws {
        var options = ControlFixture.Options(configuration: Self.configuration())
        options.managerUID = 4_294_967_000
        options.modelTransport = { ScriptedTransport.always("benign", 0) }
        try await ControlFixture.run(options) { control in
            // Root steers everyone's manager.
            let models = try await control.client.status().models
            #expect((models != nil) == (geteuid() == 0))
            guard geteuid() != 0 else { return }
            await expect(code: .notPermitted, name: "permission.denied") {
                _ = try await control.client.modelPrompt()
            }
        }
    }

    @Test func `Pseudonyms are kept with the state`() throws {
        var state = ManagerState()
        var book = PseudonymBook()
        _ = book.pseudonym(for: "application redis")
        state.pseudonyms = book
        var restored = try #require(try ManagerState(try state.content()).pseudonyms)
        #expect(restored.pseudonym(for: "tunnel web").number == 2)
        #expect(restored.pseudonym(for: "application redis").number == 1)
    }
}
