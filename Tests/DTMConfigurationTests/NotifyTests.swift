import DTMCore
import Testing

@testable import DTMConfiguration

@Suite("Who is told") struct NotifyTests {
    private func webhooks(_ bodies: String...) -> String {
        "{\"notify\": {\"webhooks\": [\(bodies.joined(separator: ","))]}}"
    }

    private let good = #"{"name": "a", "url": "https://example.org/in", "keyFile": "/etc/dtm/a.key"}"#

    @Test func `A webhook and a command are read with their limits, and written as they were`() throws {
        let text = #"""
            {"notify": {"webhooks": [{"name": "a", "url": "https://example.org:8443/in?x=1", "credential": "a.key",
              "minimumSeverity": "warning", "minimumRisk": 70, "maximumPerMinute": 5, "timeoutSeconds": 2}],
              "commands": [{"name": "b", "path": "/usr/local/bin/hook"}]}}
            """#
        let configuration = try parse(text)
        let webhook = try #require(configuration.notify.webhooks.first)
        #expect(webhook.key == .credential("a.key"))
        #expect(webhook.limits.minimumRisk == 70 && webhook.limits.minimumSeverity == .warning)
        #expect(configuration.notify.commands.first?.limits == NotificationLimits())
        #expect(try parse(configuration.renderJSON()) == configuration)
    }

    @Test(arguments: ["http://127.0.0.1:80/x", "http://[::1]:80/", "https://example.org", "https://a.b:1/c?d=e"])
    func `A URL that may be used`(_ url: String) throws {
        _ = try parse(webhooks(good.replacing("https://example.org/in", with: url)))
    }

    @Test(
        arguments: [
            "http://example.org/", "http://localhost:80/", "http://127.0.0.1.example.org/", "ftp://example.org/",
            "https://user:password@example.org/", "https://example.org/#part", "https://", "https:///x",
            "https://example.org:0/", "https://example.org:99999/", "https://exa mple.org/", "https://[1::2/",
            "http://127.0.0.1@example.org/", "HTTP://127.0.0.1/", "https://example.org:8a/",
        ])
    func `A URL that may not be used`(_ url: String) {
        let found = problems(webhooks(good.replacing("https://example.org/in", with: url)))
        #expect(found.map(\.keyPath) == ["notify.webhooks[0].url"])
    }

    @Test func `Plain http leaves this host where the file says so alone`() throws {
        let plain = #"{"name": "a", "url": "http://example.org/", "keyFile": "/k", "allowPlainHTTP": true}"#
        _ = try parse(webhooks(plain))
    }

    @Test func `A mistyped key is told with the nearest one`() {
        let found = problems(webhooks(good.replacing("keyFile", with: "keyfile")))
        #expect(found.compactMap(\.nearest) == ["notify.webhooks[0].keyFile"])
    }

    @Test func `A key is in a file or a credential`() {
        let none = #"{"name": "a", "url": "https://example.org/"}"#
        let both = good.replacing("\"keyFile\"", with: "\"credential\": \"a\", \"keyFile\"")
        for body in [none, both] {
            #expect(problems(webhooks(body)).map(\.keyPath) == ["notify.webhooks[0]"])
        }
    }

    @Test func `Receivers have names of their own, and there are no more than sixteen`() {
        #expect(problems(webhooks(good, good)).map(\.keyPath) == ["notify.webhooks[1].name"])
        let many = (0..<17).map { good.replacing("\"a\"", with: "\"a\($0)\"") }.joined(separator: ",")
        #expect(problems("{\"notify\": {\"webhooks\": [\(many)]}}").map(\.keyPath) == ["notify.webhooks"])
        let shared = "{\"notify\": {\"webhooks\": [\(good)], \"commands\": [{\"name\": \"a\", \"path\": \"/h\"}]}}"
        #expect(problems(shared).map(\.keyPath) == ["notify.commands[0].name"])
    }

    @Test func `A command is an absolute path`() {
        for path in ["hook", "/usr/../bin/hook", "/", ""] {
            let text = "{\"notify\": {\"commands\": [{\"name\": \"a\", \"path\": \"\(path)\"}]}}"
            #expect(problems(text).map(\.keyPath) == ["notify.commands[0].path"])
        }
    }

    @Test func `Whoever is told of less weakens the configuration`() throws {
        let before = try parse(webhooks(good))
        let fewer = try parse(webhooks(good.replacing("\"a\",", with: "\"a\", \"minimumRisk\": 90,")))
        for after in [Configuration.defaults, fewer] {
            let change = ConfigurationChange.diff(from: before, to: after)
            #expect(change.weakenings.map(\.keyPath) == ["notify.webhooks"])
        }
        #expect(ConfigurationChange.diff(from: .defaults, to: before).weakenings.isEmpty)
    }

    @Test func `A log names a URL without what may be a capability`() throws {
        #expect(try #require(WebhookURL("https://example.org:1/secret?x")).description == "https://example.org:1")
    }
}
