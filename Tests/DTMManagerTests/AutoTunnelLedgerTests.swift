import DTMCore
import DTMPolicy
import DTMTestSupport
import Testing

@testable import DTMManager

@Suite struct AutoTunnelLedgerTests {
    private let redis = PortHolder(application: "redis-server", executable: "/usr/bin/redis-server", uid: 1_000)
    private let stranger = PortHolder(application: "nc", executable: "/usr/bin/nc", uid: 1_000)
    private let policy = AutoTunnelPolicy(grace: .seconds(30))

    private func sighting(_ holders: PortHolder..., isAdmitted: Bool? = true) -> PortSighting {
        PortSighting(
            port: 6_379, target: .tcp(host: "127.0.0.1", port: 6_379), holders: Set(holders),
            decision: isAdmitted.map { AutoTunnelDecision(isProtected: $0, rule: nil, reason: "because") })
    }

    private func at(_ seconds: Int) -> Timestamp { Timestamp(nanoseconds: 0) + .seconds(seconds) }

    /// A ledger whose port has a tunnel since second 0.
    private func standing() throws -> (AutoTunnelLedger, TunnelID) {
        var ledger = AutoTunnelLedger()
        let steps = ledger.look([sighting(redis)], policy: policy, makesNew: true, standing: [], at: at(0))
        #expect(steps == [protect])
        let tunnel = TunnelID.random()
        ledger.made(tunnel, at: 6_379)
        return (ledger, tunnel)
    }

    private var protect: AutoTunnelLedger.Step {
        .protect(port: 6_379, target: .tcp(host: "127.0.0.1", port: 6_379), holder: redis, reason: "because")
    }

    @Test func `a port gets one tunnel, and keeps it over a restart of its application`() throws {
        var (ledger, tunnel) = try standing()
        for second in 1...5 {
            #expect(
                ledger.look([sighting(redis)], policy: policy, makesNew: true, standing: [tunnel], at: at(second)) == []
            )
        }
        #expect(ledger.look([], policy: policy, makesNew: true, standing: [tunnel], at: at(20)) == [])
        #expect(
            ledger.look([sighting(redis)], policy: policy, makesNew: true, standing: [tunnel], at: at(34)) == [])
        #expect(ledger.tunnels == [tunnel])
    }

    @Test func `it loses the tunnel when the application has been gone for the grace period, and gets one again`()
        throws
    {
        var (ledger, tunnel) = try standing()
        #expect(ledger.look([], policy: policy, makesNew: true, standing: [tunnel], at: at(29)) == [])
        let steps = ledger.look([], policy: policy, makesNew: true, standing: [tunnel], at: at(30))
        guard steps.first?.removed == tunnel else {
            Issue.record("the steps are \(steps)")
            return
        }
        #expect(ledger.look([sighting(redis)], policy: policy, makesNew: true, standing: [], at: at(40)) == [protect])
    }

    @Test(
        "a port that changes hands loses its tunnel at once and gets none for the stranger",
        arguments: [1, 31, 300])
    func changeOfHands(second: Int) throws {
        var (ledger, tunnel) = try standing()
        var standing: Set<TunnelID> = [tunnel]
        if second > 30 {
            _ = ledger.look([], policy: policy, makesNew: true, standing: standing, at: at(30))
            standing = []
        }
        let steps = ledger.look(
            [sighting(stranger)], policy: policy, makesNew: true, standing: standing, at: at(second))
        #expect(steps.contains(.changedHands(port: 6_379, from: redis, to: stranger)))
        #expect(
            steps.contains { $0.removed == tunnel } == !standing.isEmpty)
        for later in 1...3 {
            #expect(
                ledger.look([sighting(stranger)], policy: policy, makesNew: true, standing: [], at: at(second + later))
                    == [])
        }
        #expect(
            ledger.look([sighting(redis)], policy: policy, makesNew: true, standing: [], at: at(second + 9)) == [
                protect
            ])
    }

    @Test func `a port that is shared with a stranger has changed hands, and one shared from the start gets nothing`()
        throws
    {
        var (ledger, tunnel) = try standing()
        let steps = ledger.look(
            [sighting(redis, stranger)], policy: policy, makesNew: true, standing: [tunnel], at: at(1))
        #expect(steps.count == 2)
        var fresh = AutoTunnelLedger()
        #expect(
            fresh.look([sighting(redis, stranger)], policy: policy, makesNew: true, standing: [], at: at(1)) == [])
    }

    @Test func `a tunnel that came up while the port changed hands goes again`() throws {
        var ledger = AutoTunnelLedger()
        _ = ledger.look([sighting(redis)], policy: policy, makesNew: true, standing: [], at: at(0))
        _ = ledger.look([sighting(stranger)], policy: policy, makesNew: true, standing: [], at: at(1))
        let tunnel = TunnelID.random()
        ledger.made(tunnel, at: 6_379)
        let steps = ledger.look([sighting(stranger)], policy: policy, makesNew: true, standing: [tunnel], at: at(2))
        guard steps.map(\.removed) == [tunnel] else {
            Issue.record("the steps are \(steps)")
            return
        }
    }

    @Test func `a tunnel that a person removed is not made again while the application is there`() throws {
        var (ledger, _) = try standing()
        for second in 1...3 {
            #expect(ledger.look([sighting(redis)], policy: policy, makesNew: true, standing: [], at: at(second)) == [])
        }
        _ = ledger.look([], policy: policy, makesNew: true, standing: [], at: at(60))
        #expect(ledger.look([sighting(redis)], policy: policy, makesNew: true, standing: [], at: at(61)) == [protect])
    }

    @Test func `a failure is tried again, later and later`() throws {
        var ledger = AutoTunnelLedger()
        var attempts: [Int] = []
        for second in 0..<40 {
            let steps = ledger.look([sighting(redis)], policy: policy, makesNew: true, standing: [], at: at(second))
            guard !steps.isEmpty else { continue }
            attempts.append(second)
            ledger.failed(port: 6_379, at: at(second))
        }
        #expect(attempts == [0, 2, 6, 14, 30])
    }

    @Test func `nothing is made while it is off, for what is denied, and where another tunnel leads`() {
        var ledger = AutoTunnelLedger()
        #expect(ledger.look([sighting(redis)], policy: policy, makesNew: false, standing: [], at: at(0)) == [])
        for isAdmitted in [false, nil] {
            #expect(
                ledger.look(
                    [sighting(redis, isAdmitted: isAdmitted)], policy: policy, makesNew: true, standing: [], at: at(1))
                    == [])
        }
    }

    @Test func `a program that opens many ports gets some tunnels, and the rest is told once`() {
        var ledger = AutoTunnelLedger()
        let sightings = (1...100).map { port in
            PortSighting(
                port: port, target: .tcp(host: "127.0.0.1", port: port), holders: [port > 50 ? redis : stranger],
                decision: AutoTunnelDecision(isProtected: true, rule: nil, reason: ""))
        }
        let limits = AutoTunnelLedger.Limits(tunnels: 12, perHolder: 8)
        let steps = ledger.look(sightings, policy: policy, limits: limits, makesNew: true, standing: [], at: at(0))
        #expect(steps.count - 2 == 12)
        #expect(steps.contains(.limitReached(port: 9, holder: stranger)))
        #expect(steps.contains(.limitReached(port: 55, holder: redis)))
        #expect(
            ledger.look(sightings, policy: policy, limits: limits, makesNew: true, standing: [], at: at(1)) == [])
    }

    @Test func `whatever happens, no tunnel stands for long at a port that only a stranger holds`() {
        for seed in SeededGenerator.rounds(200) {
            var generator = SeededGenerator(seed: UInt64(seed))
            var ledger = AutoTunnelLedger()
            var standing: Set<TunnelID> = []
            for second in 0..<200 {
                let seen: [[PortHolder]] = [[], [redis], [stranger], [redis, stranger]]
                let holders = seen[Int.random(in: 0..<4, using: &generator)]
                let sightings =
                    holders.isEmpty
                    ? []
                    : [
                        PortSighting(
                            port: 6_379, target: .tcp(host: "127.0.0.1", port: 6_379), holders: Set(holders),
                            decision: AutoTunnelDecision(isProtected: true, rule: nil, reason: ""))
                    ]
                for step in ledger.look(
                    sightings, policy: policy, makesNew: true, standing: standing, at: at(second))
                {
                    switch step {
                    case .protect(_, _, let holder, _):
                        #expect(holders == [holder])
                        let tunnel = TunnelID.random()
                        if Bool.random(using: &generator) {
                            standing.insert(tunnel)
                            ledger.made(tunnel, at: 6_379)
                        } else {
                            ledger.failed(port: 6_379, at: at(second))
                        }
                    case .remove(let tunnel, _, _): standing.remove(tunnel)
                    case .changedHands, .limitReached: break
                    }
                }
                #expect(standing.count <= 1)
                if holders.count > 1 { #expect(standing.isEmpty) }
                #expect(ledger.tunnels == standing)
            }
        }
    }
}

extension AutoTunnelLedger.Step {
    /// The tunnel that is to go; nil for another step.
    fileprivate var removed: TunnelID? {
        guard case .remove(let tunnel, _, _) = self else { return nil }
        return tunnel
    }
}
