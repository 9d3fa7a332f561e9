import DTMTestSupport
import DTMCore
import Testing

@testable import DTMConfiguration

@Suite struct CheckTests {
    private func tunnels(_ bodies: String..., rotation: String = "{}", limits: String = "{}") -> String {
        let objects = bodies.enumerated().map { #"{"name": "t\#($0.offset)", "target": "a:1"\#($0.element)}"# }
        return #"{"rotation": \#(rotation), "limits": \#(limits), "tunnels": [\#(objects.joined(separator: ","))]}"#
    }

    @Test("The default overlap works with the shortest interval") func shortestInterval() throws {
        let configuration = try parse(tunnels("", rotation: #"{"intervalSeconds": 0.2}"#))
        let tunnel = configuration.effective(configuration.tunnels[0])
        #expect(tunnel.intervalMilliseconds == 200)
        #expect(tunnel.overlapMilliseconds == 2_000)
    }

    @Test("An overlap that is stated may last ten intervals and no longer") func statedOverlap() throws {
        _ = try parse(#"{"rotation": {"intervalSeconds": 1, "overlapSeconds": 10}}"#)
        let whole = problems(#"{"rotation": {"intervalSeconds": 1, "overlapSeconds": 10.5}}"#)
        #expect(whole.map(\.keyPath) == ["rotation.overlapSeconds"])
        #expect(whole.first?.allowed == "at most 10 intervals of 1 seconds, 10 seconds")
        #expect(whole.first?.position == SourcePosition(line: 1, column: 55))
        let one = problems(tunnels(#", "overlapSeconds": 101"#))
        #expect(one.map(\.keyPath) == ["tunnels[0].overlapSeconds"])
    }

    @Test("An overlap that is inherited is shortened to ten of the tunnel's intervals") func inheritedOverlap() throws {
        let configuration = try parse(
            tunnels(#", "intervalSeconds": 0.5"#, rotation: #"{"intervalSeconds": 60, "overlapSeconds": 30}"#))
        #expect(configuration.effective(configuration.tunnels[0]).overlapMilliseconds == 5_000)
    }

    @Test("What a tunnel leaves out comes from the sections") func effective() throws {
        let configuration = try parse(
            """
            {"timeouts": {"connectSeconds": 1, "handshakeSeconds": 2, "idleSeconds": 3},
             "limits": {"maximumConnections": 7},
             "certificates": {"maximumConnectionAgeSeconds": 4}, "tunnels": [{"name": "a", "target": "unix:/s"}]}
            """)
        let tunnel = configuration.effective(configuration.tunnels[0])
        #expect(tunnel.connectTimeoutMilliseconds == 1_000)
        #expect(tunnel.handshakeTimeoutMilliseconds == 2_000)
        #expect(tunnel.idleTimeoutMilliseconds == 3_000)
        #expect(tunnel.maximumAgeMilliseconds == 4_000)
        #expect(tunnel.maximumConnections == 7)
        #expect(tunnel.portRange == 5_000...6_000)
        #expect(tunnel.addresses == .hop)
        #expect(!tunnel.proxyProtocol)
    }

    @Test("Milliseconds are rounded and never trap") func rounding() {
        #expect(milliseconds(0.2004) == 200)
        #expect(milliseconds(0) == 0)
        #expect(milliseconds(-1) == 0)
        #expect(milliseconds(.infinity) == .max)
        #expect(milliseconds(.nan) == 0)
    }

    @Test("A renewal margin fits the lifetime of a leaf by itself, and is refused when it is stated and does not")
    func renewalMargin() throws {
        let configuration = try parse(#"{"certificates": {"leafLifetimeSeconds": 60}}"#)
        #expect(configuration.certificates.renewalMarginSeconds == 20)
        let found = problems(#"{"certificates": {"leafLifetimeSeconds": 60, "renewalMarginSeconds": 49}}"#)
        #expect(found.map(\.allowed) == ["at most four fifths of leafLifetimeSeconds, 48 seconds"])
        let authority = problems(#"{"certificates": {"leafLifetimeSeconds": 60, "authorityLifetimeSeconds": 100}}"#)
        #expect(authority.map(\.keyPath) == ["certificates.authorityLifetimeSeconds"])
        #expect(authority.map(\.allowed) == ["at least four times leafLifetimeSeconds, 240 seconds"])
        let atLeast = #"{"certificates": {"leafLifetimeSeconds": 60, "authorityLifetimeSeconds": 240}}"#
        #expect(problems(atLeast).isEmpty)
    }

    @Test("A tunnel's connections are bounded by those of all") func connectionLimits() throws {
        let found = problems(
            tunnels(
                #", "maximumConnections": 101"#,
                limits: #"{"maximumConnections": 100, "maximumConnectionsPerTunnel": 200}"#))
        #expect(found.map(\.keyPath) == ["limits.maximumConnectionsPerTunnel", "tunnels[0].maximumConnections"])
    }

    @Test("The number of tunnels is bounded") func tunnelCount() {
        let found = problems(tunnels("", "", limits: #"{"maximumTunnels": 1}"#))
        #expect(found.map(\.allowed) == ["at most limits.maximumTunnels, 1 tunnels; there are 2"])
    }

    @Test("Two tunnels of one name are an error that names the first") func names() {
        let found = problems(#"{"tunnels": [{"name": "a", "target": "a:1"}, 5, {"name": "a", "target": "a:2"}]}"#)
        #expect(found.map(\.kind) == [.value, .duplicateName])
        #expect(found.last?.keyPath == "tunnels[2].name")
        #expect(found.last?.allowed == "a name of its own; tunnels[0] has this one")
    }

    @Test("A value with a problem is not judged beside others") func noFollowUps() {
        #expect(problems(#"{"rotation": {"intervalSeconds": "1", "overlapSeconds": 150}}"#).count == 1)
    }

    @Test("A range too small for its tunnels is an error with the numbers") func shortage() {
        let rotation = #"{"portRange": [5700, 5706], "addresses": "fixed"}"#
        #expect(problems(tunnels("", rotation: rotation)).isEmpty)
        let found = problems(tunnels("", "", rotation: rotation))
        #expect(found.map(\.keyPath) == ["rotation.portRange"])
        #expect(found.first?.kind == .portShortage)
        #expect(
            found.first?.allowed
                == "8 usable ports; 5700 to 5706 has 7 ports, 7 of them not taken by well-known services, and "
                + "2 tunnels need 8 at one time; widen the range or set addresses to \"hop\"")
        #expect(problems(tunnels("", "", rotation: #"{"portRange": [5700, 5706]}"#)).isEmpty)
    }

    @Test("A range of well-known ports alone is an error even when addresses hop") func unusable() {
        let found = problems(tunnels(#", "portRange": [5432, 5432]"#))
        #expect(found.map(\.keyPath) == ["tunnels[0].portRange"])
        #expect(found.first?.allowed.hasPrefix("1 usable ports; 5432 to 5432 has 1 port, 0 of them") == true)
    }

    @Test("Ports are counted over ranges that overlap") func overlappingRanges() {
        let fixed = #", "addresses": "fixed", "portRange": "#
        let found = problems(tunnels(fixed + "[5700, 5705]", fixed + "[5701, 5706]", fixed + "[5710, 5720]"))
        #expect(found.map(\.keyPath) == ["tunnels[0].portRange"])
        #expect(found.first?.allowed.hasPrefix("8 usable ports; 5700 to 5706 has 7 ports") == true)
    }

    @Test("The budget agrees with dealing ports out one by one", arguments: 0..<30) func budget(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in SeededGenerator.rounds(20) {
            let skipped = Set((0..<6).map { _ in UInt16.random(in: 0...20, using: &generator) })
            let demands = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                let low = UInt16.random(in: 0...20, using: &generator)
                return PortDemand(
                    range: low...UInt16.random(in: low...20, using: &generator),
                    ports: Int.random(in: 1...4, using: &generator))
            }
            let isEnough = PortBudget(skippedPorts: skipped).shortages(of: demands).isEmpty
            #expect(isEnough == canDeal(demands, skipping: skipped))
        }
    }

    /// Earliest end first is best for intervals of equal jobs on unit slots: port by port, the demand that ends first
    /// takes it.
    private func canDeal(_ demands: [PortDemand], skipping skipped: Set<UInt16>) -> Bool {
        var open = demands
        for port in UInt16(0)...20 where !skipped.contains(port) {
            let fitting = open.indices.filter { open[$0].ports > 0 && open[$0].range.contains(port) }
            guard let next = fitting.min(by: { open[$0].range.upperBound < open[$1].range.upperBound }) else {
                continue
            }
            open[next].ports -= 1
        }
        return open.allSatisfy { $0.ports == 0 }
    }

    @Test("A tunnel that is asked for at run time is checked like one of the file") func runTime() throws {
        let configuration = try parse(tunnels(""))
        var tunnel = TunnelConfiguration(name: try #require(TunnelName("new")), target: .unix(path: "/s"))
        #expect(try configuration.validate(tunnel, beside: configuration.tunnels).intervalMilliseconds == 10_000)
        tunnel.intervalSeconds = 0.1
        tunnel.allow = ["nobody"]
        let error = #expect(throws: ConfigurationError.self) {
            try configuration.validate(tunnel, beside: configuration.tunnels)
        }
        #expect(error?.problems.map(\.keyPath) == ["allow[0]", "intervalSeconds"])
        #expect(error?.problems.allSatisfy { $0.position == nil } == true)
    }

    @Test("A tunnel that is asked for at run time must fit beside the others") func runTimeFit() throws {
        let configuration = try parse(tunnels("", limits: #"{"maximumTunnels": 1}"#))
        var tunnel = TunnelConfiguration(name: configuration.tunnels[0].name, target: .unix(path: "/s"))
        tunnel.overlapSeconds = 101
        tunnel.addresses = .fixed
        tunnel.portRange = 5_700...5_702
        let error = #expect(throws: ConfigurationError.self) {
            try configuration.validate(tunnel, beside: configuration.tunnels)
        }
        #expect(error?.problems.map(\.kind) == [.conflict, .duplicateName, .conflict, .portShortage])
    }
}
