import DTMConfiguration
import DTMCore
import Testing

@Suite struct ChangeTests {
    private func change(_ old: String, _ new: String) throws -> ConfigurationChange {
        ConfigurationChange.diff(from: try parse(old), to: try parse(new))
    }

    @Test("Equal configurations do not differ, whatever the order of their tunnels") func equal() throws {
        let a = #"{"name": "a", "target": "a:1"}"#
        let b = #"{"name": "b", "target": "b:1"}"#
        #expect(try change(#"{"tunnels": [\#(a), \#(b)]}"#, #"{"tunnels": [\#(b), \#(a)]}"#).isEmpty)
    }

    @Test("A change says what it was and is, and whether it needs a restart") func effects() throws {
        let change = try change("{}", #"{"rotation": {"intervalSeconds": 5}, "logging": {"keptFiles": 6}}"#)
        #expect(change.changes.map(\.description) == ["rotation.intervalSeconds: 10 → 5", "logging.keptFiles: 5 → 6"])
        #expect(change.needsRestart.map(\.keyPath) == ["logging.keptFiles"])
        #expect(change.weakenings.isEmpty)
    }

    @Test("The lifetimes of certificates belong to the authority that was made with them, and wait for the next start")
    func lifetimes() throws {
        let change = try change(
            "{}",
            #"""
            {"certificates": {"leafLifetimeSeconds": 1800, "renewalMarginSeconds": 60, "authorityLifetimeSeconds": 86400,
              "maximumConnectionAgeSeconds": 60}}
            """#)
        #expect(
            change.needsRestart.map(\.keyPath) == [
                "certificates.leafLifetimeSeconds", "certificates.renewalMarginSeconds",
                "certificates.authorityLifetimeSeconds",
            ])
        #expect(change.changes.count == 4)
    }

    @Test(
        "What lowers protection is marked, and its opposite is not",
        arguments: [
            (#""rotation": {"intervalSeconds": 10}"#, #""rotation": {"intervalSeconds": 20}"#),
            (#""rotation": {"overlapSeconds": 1}"#, #""rotation": {"overlapSeconds": 2}"#),
            (#""rotation": {"portRange": [5000, 6000]}"#, #""rotation": {"portRange": [5000, 5500]}"#),
            (#""rotation": {"addresses": "hop"}"#, #""rotation": {"addresses": "fixed"}"#),
            (#""certificates": {"leafLifetimeSeconds": 3600}"#, #""certificates": {"leafLifetimeSeconds": 7200}"#),
            (
                #""certificates": {"maximumConnectionAgeSeconds": 60}"#,
                #""certificates": {"maximumConnectionAgeSeconds": 0}"#
            ),
            (
                #""certificates": {"maximumConnectionAgeSeconds": 60}"#,
                #""certificates": {"maximumConnectionAgeSeconds": 90}"#
            ),
            (#""logging": {"level": "info"}"#, #""logging": {"level": "error"}"#),
            (#""orphan": {"limitSeconds": 10}"#, #""orphan": {"limitSeconds": 20}"#),
            (#""memory": {"protection": "require"}"#, #""memory": {"protection": "prefer"}"#),
            (#""verification": {"intervalSeconds": 60}"#, #""verification": {"intervalSeconds": 61}"#),
            (#""autoTunnel": {"enabled": true}"#, #""autoTunnel": {"enabled": false}"#),
            (#""discovery": {"enabled": true}"#, #""discovery": {"enabled": false}"#),
            (#""discovery": {"intervalSeconds": 1}"#, #""discovery": {"intervalSeconds": 2}"#),
            (#""autoTunnel": {"allow": []}"#, #""autoTunnel": {"allow": ["app:a"]}"#),
            (#""autoTunnel": {"allow": ["app:a", "app:b"]}"#, #""autoTunnel": {"allow": ["app:a"]}"#),
            (#""autoTunnel": {"deny": []}"#, #""autoTunnel": {"deny": ["app:a"]}"#),
            (#""autoTunnel": {"useDefaultDeny": false}"#, #""autoTunnel": {"useDefaultDeny": true}"#),
            (
                #""tunnels": [{"name": "a", "target": "a:1", "allow": ["uid:1+exe:/a"]}]"#,
                #""tunnels": [{"name": "a", "target": "a:1", "allow": ["uid:1"]}]"#
            ),
            (#""analysis": {"securityThreshold": 0.7}"#, #""analysis": {"securityThreshold": 0.9}"#),
            (#""response": {"mode": "guard"}"#, #""response": {"mode": "observe"}"#),
            (#""response": {"mode": "protect"}"#, #""response": {"mode": "guard"}"#),
            (#""response": {"protected": []}"#, #""response": {"protected": ["uid:5"]}"#),
            (#""tunnels": [{"name": "a", "target": "a:1"}]"#, #""tunnels": []"#),
            (
                #""tunnels": [{"name": "a", "target": "a:1", "allow": ["uid:1"]}]"#,
                #""tunnels": [{"name": "a", "target": "a:1", "allow": ["uid:1", "uid:2"]}]"#
            ),
            (
                #""tunnels": [{"name": "a", "target": "a:1"}]"#,
                #""tunnels": [{"name": "a", "target": "a:1", "intervalSeconds": 11}]"#
            ),
            (
                #""tunnels": [{"name": "a", "target": "a:1", "proxyProtocol": true}]"#,
                #""tunnels": [{"name": "a", "target": "a:1"}]"#
            ),
        ])
    func weakenings(strong: String, weak: String) throws {
        #expect(try change("{\(strong)}", "{\(weak)}").weakenings.count == 1)
        #expect(try change("{\(weak)}", "{\(strong)}").weakenings.isEmpty)
    }

    @Test("Tunnels that come, go and change are told by name") func tunnels() throws {
        let change = try change(
            #"{"tunnels": [{"name": "a", "target": "a:1"}, {"name": "b", "target": "b:1"}]}"#,
            #"{"tunnels": [{"name": "b", "target": "b:2", "addresses": "hop"}, {"name": "c", "target": "c:1"}]}"#)
        #expect(
            change.changes.map(\.keyPath) == ["tunnels[b].target", "tunnels[b].addresses", "tunnels[c]", "tunnels[a]"])
        #expect(change.changes[0].description == #"tunnels[b].target: "b:1" → "b:2""#)
        #expect(change.changes[1].description == #"tunnels[b].addresses: none → "hop""#)
        #expect(change.weakenings.map(\.keyPath) == ["tunnels[a]"])
    }

    @Test("Leaving the default rules or returning to them may let others in") func rules() throws {
        let none = #"{"tunnels": [{"name": "a", "target": "a:1"}]}"#
        let some = #"{"tunnels": [{"name": "a", "target": "a:1", "allow": ["uid:1"]}]}"#
        #expect(try change(none, some).weakenings.map(\.keyPath) == ["tunnels[a].allow"])
        #expect(try change(some, none).weakenings.map(\.keyPath) == ["tunnels[a].allow"])
    }

    @Test("A provider's key that comes or goes shows masked") func providerKey() throws {
        let change = try change("{}", #"{"openai_api_key": "sk-1"}"#)
        #expect(change.changes.map(\.description) == [#"openai_api_key: none → "********""#])
    }
}
