import DTMCore
import DTMPlan
import DTMTestSupport
import Glibc
import NIOCore
import Testing

@testable import DTMDataPlane
@testable import DTMTunnel

@Suite("Decoys over real sockets", .serialized)
struct DecoyTests {
    private func decoys(_ control: FakeControl, _ tunnel: TunnelID) -> UInt32? {
        control.messages.reversed().lazy.compactMap { message -> UInt32? in
            if case .counters(tunnel, let counters) = message { counters.decoys } else { nil }
        }.first
    }

    @Test("as many as the plan wants, as soon as it wants them, and none when it wants none")
    func counts() async throws {
        try await withDataPlane { control, target in
            var plan = samplePlan(target: target.endpoint, intervalMilliseconds: 400, overlapMilliseconds: 100)
            for wanted in [UInt16(31), 100, 7] {
                plan.decoys = wanted
                try control.plan([plan])
                // The sentinels are counted as well.
                #expect(eventually { decoys(control, plan.id) == UInt32(wanted) + 2 })
            }
            let client = try await Client(control, plan)
            try expectService(try client.connect(), try target.accept())
            plan.decoys = 0
            try control.plan([plan])
            #expect(eventually { decoys(control, plan.id) == 0 })
            // Other programs of the host may look at decoys: that is what those are for.
            let incidents = control.incidents.filter { $0.kind != .decoyTouched }
            #expect(incidents.isEmpty, "\(incidents)")
            // The key comes after the plan.
            let failures = control.failures.filter { $0.step != "key" }
            #expect(failures.isEmpty, "\(failures)")
        }
    }

    @Test("a touch is told with its owner, and one that knows the tunnel is led on")
    func touched() throws {
        let bench = try Workbench()
        try bench.apply { $0.decoys = 5 }
        try bench.settle { try bench.inside { $0.decoys.filled == 7 } }
        let endpoints = try bench.inside { $0.decoyListeners.values.map(\.endpoint) }
        #expect(endpoints.count { $0.address == EndpointSchedule.firstLoopbackAddress } == 2)
        for endpoint in endpoints {
            let peer = try BlockingSocket(connectedTo: endpoint)
            try bench.settle { bench.incidents.contains { $0.local == endpoint } }
            let incident = try #require(bench.incidents.first { $0.local == endpoint })
            #expect(incident.kind == .decoyTouched && incident.owner?.uid == getuid())
            peer.reset()
        }
        try bench.inside { runtime in _ = runtime.stop() }
        #expect(eventually { endpoints.allSatisfy { BlockingSocket.isRefused(at: $0) } })
        try bench.close()
    }

    @Test("a schedule that comes to a decoy of its own tunnel takes it over")
    func takenOver() throws {
        let bench = try Workbench()
        try bench.apply {
            $0.decoys = 1_000
            $0.schedule.addressMode = .fixed
            $0.schedule.lowestPort = 8_300
            $0.schedule.highestPort = 8_311
            $0.schedule.intervalMilliseconds = 400
            $0.overlapMilliseconds = 100
        }
        try bench.settle { try bench.inside { $0.decoyListeners.count >= 6 && $0.machine.live != nil } }
        let before = bench.rotations
        try bench.settle { bench.rotations >= before + 8 }
        let incidents = bench.incidents.filter { $0.kind != .decoyTouched }
        #expect(incidents.isEmpty, "\(incidents)")
        // Every port that is not the rotation's is a decoy's: most turns came to one.
        let promoted = try bench.inside { $0.promotedDecoys.count }
        #expect(promoted > 0)
        let consistent = try bench.inside { runtime in
            Set(runtime.decoyTokens.values) == Set(runtime.decoyListeners.keys)
                && runtime.decoys.count == runtime.decoyListeners.count
        }
        #expect(consistent)
        try bench.close()
    }

    @Test("decoys of one tunnel make room for the endpoints of another")
    func makesRoom() async throws {
        try await withDataPlane { control, target in
            let plans = (0..<3).map { _ in
                var plan = samplePlan(
                    target: target.endpoint, intervalMilliseconds: 500, overlapMilliseconds: 100, ports: 8_320...8_343,
                    addresses: .fixed)
                plan.decoys = 24
                return plan
            }
            try control.plan(plans)
            #expect(eventually(.seconds(20)) { plans.allSatisfy { control.rotations(of: $0.id).count >= 4 } })
            let incidents = control.incidents.filter { $0.kind != .decoyTouched }
            #expect(incidents.isEmpty, "\(incidents)")
        }
    }
}
