import DTMConfiguration
import DTMCore
import Testing

@Suite struct ParseTests {
    @Test("An empty object gives the defaults of the specification") func defaults() throws {
        let configuration = try parse("{}")
        #expect(configuration == .defaults)
        #expect(configuration.rotation.intervalSeconds == 10)
        #expect(configuration.rotation.overlapSeconds == 2)
        #expect(configuration.rotation.portRange == 5_000...6_000)
        #expect(configuration.rotation.addresses == .hop)
        #expect(configuration.rotation.decoys == 31)
        #expect(configuration.certificates.leafLifetimeSeconds == 3_600)
        #expect(configuration.orphanLimitSeconds == 1_200)
        #expect(configuration.analysis.model == "gpt-4")
        #expect(configuration.analysis.securityThreshold == 0.7)
        #expect(!configuration.openAIKeyPresent)
    }

    @Test("Every key of a tunnel is read") func tunnel() throws {
        let configuration = try parse(
            """
            {"tunnels": [{"name": "redis", "target": "127.0.0.1:6379", "allow": ["uid:1000", "any-local"],
              "intervalSeconds": 0.5, "overlapSeconds": 1, "portRange": [7000, 7999], "addresses": "fixed",
              "proxyProtocol": true, "maximumConnections": 10, "idleTimeoutSeconds": 30,
              "maximumConnectionAgeSeconds": 3600, "connectTimeoutSeconds": 1.5}]}
            """)
        var expected = TunnelConfiguration(
            name: try #require(TunnelName("redis")), target: .tcp(host: "127.0.0.1", port: 6_379))
        expected.allow = ["uid:1000", "any-local"]
        expected.intervalSeconds = 0.5
        expected.overlapSeconds = 1
        expected.portRange = 7_000...7_999
        expected.addresses = .fixed
        expected.proxyProtocol = true
        expected.maximumConnections = 10
        expected.idleTimeoutSeconds = 30
        expected.maximumConnectionAgeSeconds = 3_600
        expected.connectTimeoutSeconds = 1.5
        #expect(configuration.tunnels == [expected])
    }

    @Test("All problems are reported at once, in the order of the file") func allProblems() {
        let found = problems(
            """
            {
              "rotation": { "intervalSecond": 5, "portRange": [6000, 5000] },
              "loging": {},
              "tunnels": [
                { "name": "a", "target": "localhost:80", "portrange": [1, 2] },
                { "name": "B" },
                7
              ]
            }
            """)
        #expect(
            found.map(\.description) == [
                "2:17: rotation.intervalSecond: there is no such key; nearest is rotation.intervalSeconds; allowed: "
                    + "intervalSeconds, overlapSeconds, portRange, addresses, decoys",
                "2:51: rotation.portRange: [6000, 5000] is not allowed; allowed: [lowest, highest], ports from 1024 to "
                    + "65535, both included",
                "3:3: loging: there is no such key; nearest is logging; allowed: rotation, certificates, timeouts, "
                    + "limits, logging, orphan, memory, verification, discovery, autoTunnel, backup, analysis, response, notify, openai_api_key, tunnels, connectors",
                "5:46: tunnels[0].portrange: there is no such key; nearest is tunnels[0].portRange; allowed: name, "
                    + "target, allow, intervalSeconds, overlapSeconds, portRange, addresses, decoys, proxyProtocol, "
                    + "maximumConnections, idleTimeoutSeconds, maximumConnectionAgeSeconds, connectTimeoutSeconds",
                "6:5: tunnels[1].target: the key is missing; allowed: \"host:port\", \"[address]:port\" or "
                    + "\"unix:/path\" (at most 107 bytes of path)",
                "6:15: tunnels[1].name: \"B\" is not allowed; allowed: \(TunnelName.rule)",
                "7:5: tunnels[2]: 7 is not allowed; allowed: an object with the keys name and target at least",
            ])
    }

    @Test("An error lists its problems below a summary and compares by its code") func errorText() {
        let error = #expect(throws: ConfigurationError.self) { try parse(#"{"timeouts": {"idleSeconds": 0.5}}"#) }
        #expect(
            error?.message
                == """
                config.json has 1 problem
                  1:30: timeouts.idleSeconds: 0.5 is not allowed; allowed: 0 for never, or 1 to 604800
                """)
        #expect(error?.codeName == "configuration.invalid")
        #expect(error?.hint != nil)
        let syntax = #expect(throws: ConfigurationError.self) { try parse("{") }
        #expect(syntax?.code == .syntax)
        #expect(
            syntax?.message.hasSuffix(
                "1:2: not JSON: the end of the file is out of place; allowed: a key in double "
                    + "quotation marks") == true)
    }

    @Test(
        "A value of the wrong type or out of bounds is refused where it stands",
        arguments: [
            ("rotation.intervalSeconds", "0.1"), ("rotation.intervalSeconds", "86401"),
            ("rotation.intervalSeconds", "\"10\""),
            ("rotation.intervalSeconds", "1e999"), ("rotation.intervalSeconds", "null"),
            ("rotation.overlapSeconds", "-1"),
            ("rotation.portRange", "[5000]"), ("rotation.portRange", "[80, 6000]"),
            ("rotation.portRange", "[5000, 65536]"),
            ("rotation.portRange", "[5000.5, 6000]"), ("rotation.portRange", "\"5000-6000\""),
            ("rotation.addresses", "\"Hop\""), ("rotation.addresses", "1"), ("certificates.leafLifetimeSeconds", "9"),
            ("certificates.maximumConnectionAgeSeconds", "0.5"), ("timeouts.connectSeconds", "0"),
            ("limits.maximumTunnels", "0"), ("limits.maximumConnections", "1.5"),
            ("limits.maximumConnections", "1e400"),
            ("discovery.enabled", "0"), ("discovery.intervalSeconds", "0.1"), ("discovery.intervalSeconds", "3601"),
            ("autoTunnel.graceSeconds", "-1"), ("autoTunnel.graceSeconds", "86401"),
            ("autoTunnel.useDefaultDeny", "null"), ("autoTunnel.maximumTunnels", "0"),
            ("autoTunnel.maximumPerApplication", "4097"),
            ("autoTunnel.allow", "\"app:x\""), ("autoTunnel.deny", "{}"),
            ("logging.level", "\"verbose\""), ("logging.keptFiles", "0"), ("autoTunnel.enabled", "1"),
            ("analysis.securityThreshold", "70"), ("response.mode", "\"off\""), ("response.climbSeconds", "0"),
            ("response.protected", "7"),
            ("analysis.model", "\"\""), ("analysis.model", "\"a b\""),
        ])
    func values(key: String, value: String) throws {
        let names = key.split(separator: ".")
        let found = problems("{\"\(names[0])\": {\"\(names[1])\": \(value)}}")
        #expect(found.map(\.keyPath) == [key])
        #expect(found.first?.kind == .value)
        #expect(found.first?.position == SourcePosition(line: 1, column: names[0].count + names[1].count + 11))
    }

    @Test("A section that is not an object is refused", arguments: ["7", "[]", "null", "\"x\"", "true"])
    func sections(value: String) {
        #expect(problems("{\"rotation\": \(value)}").map(\.allowed) == ["an object"])
        #expect(problems(value).map(\.keyPath) == [""])
    }

    @Test("A key that stands twice is an error, in every object") func duplicates() {
        let found = problems(
            #"""
            {"rotation": {}, "rotation": {}, "timeouts": {"idleSeconds": 1, "idle\u0053econds": 2},
             "tunnels": [{"name":"a","target":"a:1","name":"a"}]}
            """#
        )
        #expect(found.map(\.kind) == [.duplicateKey, .duplicateKey, .duplicateKey])
        #expect(found.map(\.keyPath) == ["rotation", "timeouts.idleSeconds", "tunnels[0].name"])
        #expect(
            found.first?.description == "1:18: rotation: the key stands twice; allowed: one, and the first is at 1:2")
    }

    @Test("The nearest key may be in another section, and a nearest choice is named") func nearest() {
        #expect(problems(#"{"intervalSeconds": 5}"#).first?.nearest == "rotation.intervalSeconds")
        #expect(problems(#"{"rotation": {"adresses": "hop"}}"#).first?.nearest == "rotation.addresses")
        #expect(problems(#"{"rotation": {"addresses": "hopp"}}"#).first?.nearest == "\"hop\"")
        #expect(problems(#"{"zzzzzzzzzz": 1}"#).first?.nearest == nil)
    }

    @Test("Odd keys are quoted and shortened in messages") func oddKeys() {
        #expect(problems(#"{"a.b\u001b[2J": 1}"#).first?.keyPath == #"["a.b\u001b[2J"]"#)
        let long = String(repeating: "k", count: 10_000)
        #expect((problems("{\"\(long)\": 1}").first?.keyPath.count ?? .max) < 100)
        #expect((problems("{\"rotation\": \"\(long)\"}").first?.value?.count ?? .max) <= 80)
    }

    @Test("A hostile number of problems is cut short") func manyProblems() {
        let text = "{" + (0..<5_000).map { "\"k\($0)\": 0" }.joined(separator: ",") + "}"
        let error = #expect(throws: ConfigurationError.self) { try parse(text) }
        #expect(error?.problems.count == 200)
        #expect(error?.omittedCount == 4_800)
        #expect(error?.message.hasSuffix("\n  and 4800 more") == true)
    }

    @Test(
        "Policy rules are judged one by one",
        arguments: [
            ("uid:1000", true), ("gid:0", true), ("user:alice", true), ("group:dev-team", true), ("any-local", true),
            ("uid:", false), ("uid:-1", false), ("uid:4294967295", false), ("uid:1000 ", false), ("user:", false),
            ("user:a b", false), ("user:a:b", false), ("anyone", false), ("", false), ("exe:/bin/sh", true),
            ("exe:bin/sh", false), ("uid:1+exe:/bin/sh", true),
            ("uid:1+uid:2", false), ("unit:redis.service", true), ("cgroup:/system.slice", true),
            ("spiffe://a/b", true), ("sha256:00", false), ("exe:/a%2Bb", true), ("uid:1+", false),
        ])
    func rules(rule: String, isAllowed: Bool) {
        let found = problems(
            "{\"tunnels\": [{\"name\": \"a\", \"target\": \"a:1\", \"allow\": [\"uid:1\", \"\(rule)\"]}]}")
        #expect(found.map(\.keyPath) == (isAllowed ? [] : ["tunnels[0].allow[1]"]))
    }

    @Test("A rule that is not one is answered with what is allowed, and the nearest form") func ruleGrammar() {
        let found = problems(
            #"{"tunnels": [{"name": "a", "target": "a:1", "allow": ["usr:x", "uid:1+exec:/bin/sh", "sha256:0"]}]}"#)
        #expect(found.map(\.nearest) == ["user:NAME", "exe:/PATH", nil])
        #expect(found.first?.allowed == PolicyRule.forms)
        #expect(found.last?.allowed == "sha256:HEX, where the value is 64 hexadecimal digits, as sha256sum prints them")
    }

    @Test("Rules of the automatic tunnels are judged one by one") func listenerRules() throws {
        let settings = try parse(
            #"{"autoTunnel": {"allow": ["app:redis*", "port:1-2+user:a"], "deny": ["exe:/usr/sbin/x"], "graceSeconds": 0}}"#
        ).autoTunnel
        #expect(settings.allow == [try ListenerRule("app:redis*"), try ListenerRule("port:1-2+user:a")])
        #expect(settings.deny == [try ListenerRule("exe:/usr/sbin/x")])
        #expect(settings.useDefaultDeny)
        let found = problems(#"{"autoTunnel": {"deny": ["app:a", "ap:b", 7, "port:0"]}}"#)
        #expect(found.map(\.keyPath) == (1...3).map { "autoTunnel.deny[\($0)]" })
        #expect(found.first?.nearest == "app:NAME")
        let many = (0..<65).map { "\"port:\($0 + 1)\"" }.joined(separator: ",")
        #expect(problems("{\"autoTunnel\": {\"allow\": [\(many)]}}").map(\.keyPath) == ["autoTunnel.allow"])
    }

    @Test("An empty list of rules, which would let nobody in, is refused", arguments: ["[]", "\"uid:1\"", "[1]"])
    func emptyRules(rules: String) {
        #expect(problems("{\"tunnels\": [{\"name\": \"a\", \"target\": \"a:1\", \"allow\": \(rules)}]}").count == 1)
    }
}
