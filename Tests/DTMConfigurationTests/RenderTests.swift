import DTMTestSupport
import DTMCore
import Testing

@testable import DTMConfiguration

@Suite struct RenderTests {
    @Test("The defaults are written in a fixed order and read back") func defaults() throws {
        let text = Configuration.defaults.renderJSON()
        #expect(
            text.hasPrefix(
                """
                {
                  "rotation": {
                    "intervalSeconds": 10,
                    "overlapSeconds": 2,
                    "portRange": [5000, 6000],
                    "addresses": "hop",
                    "decoys": 31
                  },
                  "certificates": {
                    "leafLifetimeSeconds": 3600,
                """))
        #expect(text.hasSuffix("  \"tunnels\": [],\n  \"connectors\": []\n}\n"))
        #expect(try parse(text) == .defaults)
    }

    @Test("A tunnel is written with the keys that it states") func tunnel() throws {
        let text = try parse(#"{"tunnels": [{"target": "[::1]:80", "portRange": [7100, 7101], "name": "a"}]}"#)
            .renderJSON()
        #expect(
            text.hasSuffix(
                """
                  "tunnels": [
                    {
                      "name": "a",
                      "target": "[::1]:80",
                      "portRange": [7100, 7101],
                      "proxyProtocol": false
                    }
                  ],
                  "connectors": []
                }

                """))
    }

    @Test("What is written is read back the same", arguments: 0..<20) func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in SeededGenerator.rounds(20) {
            let configuration = randomConfiguration(&generator)
            #expect(try parse(configuration.renderJSON()) == configuration)
            #expect(ConfigurationChange.diff(from: configuration, to: configuration).isEmpty)
        }
    }

    @Test("Mutations of a configuration are answered", arguments: 0..<20) func mutations(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let text = Array(randomConfiguration(&generator).renderJSON().utf8)
        let pieces = ["\"", "0", "-", "e9", "null", "{}", "[]", "\"tunnels\":", ",", "x", "\n", "true"]
        for _ in SeededGenerator.rounds(50) {
            var bytes = text
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                let end = min(bytes.count, index + Int.random(in: 0...6, using: &generator))
                bytes.replaceSubrange(index..<end, with: Array((pieces.randomElement(using: &generator) ?? "").utf8))
            }
            guard let configuration = try? Configuration.parse(bytes, source: "fuzz") else { continue }
            #expect(try Configuration.parse(Array(configuration.renderJSON().utf8), source: "again") == configuration)
        }
    }

    private func randomConfiguration(_ generator: inout SeededGenerator) -> Configuration {
        var configuration = Configuration()
        configuration.rotation.intervalSeconds = Double(Int.random(in: 200...86_400_000, using: &generator)) / 1_000
        configuration.rotation.overlapSeconds = Double.random(
            in: 0...configuration.rotation.intervalSeconds * 9, using: &generator)
        configuration.rotation.addresses = generator.chance(0.5) ? .hop : .fixed
        configuration.certificates.renewalMarginSeconds = Double.random(in: 1...2_000, using: &generator)
        configuration.limits.maximumConnections = Int.random(in: 4_096...1_000_000, using: &generator)
        configuration.logging.level = Severity.allCases.randomElement(using: &generator) ?? .info
        configuration.analysis.securityThreshold = Double.random(in: 0...1, using: &generator)
        configuration.discovery.intervalSeconds = Double.random(in: 0.2...3_600, using: &generator)
        configuration.autoTunnel.graceSeconds = Double.random(in: 0...86_400, using: &generator)
        configuration.autoTunnel.maximumTunnels = Int.random(in: 1...4_096, using: &generator)
        configuration.autoTunnel.maximumPerApplication = Int.random(in: 1...4_096, using: &generator)
        configuration.autoTunnel.allow = randomRules(&generator)
        configuration.autoTunnel.deny = randomRules(&generator)
        configuration.autoTunnel.useDefaultDeny = generator.chance(0.5)
        configuration.response.mode = ResponseMode.allCases.randomElement(using: &generator) ?? .guardian
        configuration.response.climbSeconds = Double(Int.random(in: 1...3_600, using: &generator))
        configuration.response.protected = ["uid:7", "user:zoë", "exe:/opt/g%2B%2B"].compactMap { text in
            generator.chance(0.5) ? try? ProtectedRule(text) : nil
        }
        configuration.connectors = (0..<Int.random(in: 0...4, using: &generator)).compactMap { index in
            TunnelName("t\(index)").map { randomConnector($0, UInt16(index) + 1, &generator) }
        }
        configuration.tunnels = (0..<Int.random(in: 0...4, using: &generator)).compactMap { index in
            TunnelName("t\(index)").map { randomTunnel($0, &generator) }
        }
        return configuration
    }

    private func randomRules(_ generator: inout SeededGenerator) -> [ListenerRule] {
        ["app:redis*", "app:a%2Ab", "port:1-2+user:zoë", "exe:/opt/g%2B%2B", "uid:7"].compactMap { text in
            generator.chance(0.5) ? try? ListenerRule(text) : nil
        }
    }

    private func randomConnector(
        _ tunnel: TunnelName, _ port: UInt16, _ generator: inout SeededGenerator
    ) -> ConnectorConfiguration {
        let address = IPAddress.v4(0x7f00_0000 | UInt32.random(in: 1...0xff_ffff, using: &generator))
        var connector = ConnectorConfiguration(
            tunnel: tunnel,
            place: generator.chance(0.5)
                ? .tcp(Endpoint(address: address, port: port)) : .unix(path: "/run/\"é\(port)"))
        connector.allowAnyLocal = generator.chance(0.5)
        return connector
    }

    private func randomTunnel(_ name: TunnelName, _ generator: inout SeededGenerator) -> TunnelConfiguration {
        var tunnel = TunnelConfiguration(
            name: name, target: generator.chance(0.5) ? .unix(path: "/run/\"é") : .tcp(host: "::1", port: 80))
        if generator.chance(0.5) { tunnel.allow = ["uid:1", "user:zoë", "uid:1+exe:/opt/g%2B%2B"] }
        if generator.chance(0.5) { tunnel.intervalSeconds = Double.random(in: 0.2...100, using: &generator) }
        if generator.chance(0.5) { tunnel.overlapSeconds = Double.random(in: 0...2, using: &generator) }
        if generator.chance(0.5) { tunnel.portRange = 2_000...UInt16.random(in: 3_000...60_000, using: &generator) }
        if generator.chance(0.5) { tunnel.idleTimeoutSeconds = 0 }
        if generator.chance(0.5) { tunnel.maximumConnections = Int.random(in: 1...4_096, using: &generator) }
        tunnel.proxyProtocol = generator.chance(0.5)
        return tunnel
    }
}
