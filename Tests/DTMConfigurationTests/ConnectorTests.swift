import DTMConfiguration
import DTMCore
import Testing

@Suite struct ConnectorTests {
    private func connectors(_ bodies: String...) -> String { "{\"connectors\": [\(bodies.joined(separator: ","))]}" }

    @Test("Connectors are read, by address and by path") func read() throws {
        let configuration = try parse(
            connectors(
                #"{"tunnel": "redis", "listen": "127.0.0.1:6380"}"#,
                #"{"allowAnyLocal": true, "unix": "/run/api.sock", "tunnel": "api"}"#))
        var second = ConnectorConfiguration(
            tunnel: try #require(TunnelName("api")), place: .unix(path: "/run/api.sock"))
        second.allowAnyLocal = true
        let first = ConnectorConfiguration(
            tunnel: try #require(TunnelName("redis")), place: .tcp(try #require(Endpoint("127.0.0.1:6380"))))
        #expect(configuration.connectors == [first, second])
        #expect(try parse(configuration.renderJSON()) == configuration)
    }

    @Test(
        "A connector listens at loopback alone",
        arguments: [
            "0.0.0.0:1", "192.0.2.1:1", "[::]:1", "localhost:1", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", ":1",
            "",
            "unix:/run/a",
        ])
    func places(listen: String) {
        let found = problems(connectors("{\"tunnel\": \"a\", \"listen\": \"\(listen)\"}"))
        #expect(found.map(\.keyPath) == ["connectors[0].listen"])
    }

    @Test("Any loopback address will do", arguments: ["127.0.0.1:1", "127.4.5.6:65535", "[::1]:6380"])
    func loopback(listen: String) throws {
        _ = try parse(connectors("{\"tunnel\": \"a\", \"listen\": \"\(listen)\"}"))
    }

    @Test("A path is absolute and fits a socket address", arguments: ["", "a", "/", "/a/../b", "/a/", "unix:/a"])
    func paths(path: String) {
        #expect(
            problems(connectors("{\"tunnel\": \"a\", \"unix\": \"\(path)\"}")).map(\.keyPath) == ["connectors[0].unix"])
        let long = "/" + String(repeating: "x", count: 107)
        #expect(problems(connectors("{\"tunnel\": \"a\", \"unix\": \"\(long)\"}")).count == 1)
    }

    @Test(
        "A connector has one place",
        arguments: [
            #"{"tunnel": "a"}"#, #"{"tunnel": "a", "listen": "127.0.0.1:1", "unix": "/a"}"#,
            #"{"tunnel": "a", "allowAnyLocal": true}"#,
        ])
    func onePlace(body: String) {
        let found = problems(connectors(body))
        #expect(found.map(\.keyPath) == ["connectors[0]"])
        #expect(found.first?.allowed == "one of listen and unix")
    }

    @Test("Two connectors at one place are an error that names the first") func samePlace() {
        let found = problems(
            connectors(
                #"{"tunnel": "a", "listen": "127.0.0.1:1"}"#, #"{"tunnel": "b", "unix": "/a"}"#,
                #"{"tunnel": "b", "listen": "127.0.0.1:1"}"#, #"{"tunnel": "b", "unix": "/a"}"#))
        #expect(found.map(\.keyPath) == ["connectors[2].listen", "connectors[3].unix"])
        #expect(found.first?.allowed == "a place of its own; connectors[0] has this one")
    }

    @Test("Their number is bounded") func bounded() {
        let bodies = (0..<257).map { "{\"tunnel\": \"a\", \"listen\": \"127.0.0.1:\($0 + 1)\"}" }
        let found = problems("{\"connectors\": [\(bodies.joined(separator: ","))]}")
        #expect(found.map(\.allowed) == ["at most 256 connectors; there are 257"])
    }

    @Test("What is wrong is named") func wrong() {
        #expect(problems(#"{"connectors": {}}"#).map(\.allowed) == ["an array of objects"])
        let found = problems(
            connectors(
                "7", #"{"listen": "127.0.0.1:1"}"#, #"{"tunel": "a", "unix": "/a"}"#, #"{"tunnel": "A", "unix": "/b"}"#)
        )
        #expect(
            found.map(\.keyPath) == [
                "connectors[0]", "connectors[1].tunnel", "connectors[2].tunnel", "connectors[2].tunel",
                "connectors[3].tunnel",
            ])
        #expect(found.contains { $0.nearest == "connectors[2].tunnel" })
    }

    @Test("Connectors that come, go and change are told by their place") func changes() throws {
        let old = try parse(
            connectors(#"{"tunnel": "a", "listen": "127.0.0.1:1"}"#, #"{"tunnel": "b", "unix": "/b"}"#))
        let new = try parse(
            connectors(
                #"{"tunnel": "c", "unix": "/c"}"#, #"{"tunnel": "z", "listen": "127.0.0.1:1", "allowAnyLocal": true}"#))
        let change = ConfigurationChange.diff(from: old, to: new)
        #expect(
            change.changes.map(\.keyPath) == [
                "connectors[unix:/c]", "connectors[127.0.0.1:1].tunnel", "connectors[127.0.0.1:1].allowAnyLocal",
                "connectors[unix:/b]",
            ])
        #expect(change.weakenings.map(\.keyPath) == ["connectors[127.0.0.1:1].allowAnyLocal"])
        #expect(ConfigurationChange.diff(from: new, to: old).weakenings.isEmpty)
        #expect(ConfigurationChange.diff(from: new, to: new).isEmpty)
    }
}
