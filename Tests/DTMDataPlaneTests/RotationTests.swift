import DTMTestSupport
import DTMCore
import DTMPlan
import DTMSecrets
import DTMTunnel
import NIOConcurrencyHelpers
import Testing

@testable import DTMDataPlane

@Suite("Rotation over real sockets", .serialized)
struct RotationTests {
    @Test("a higher generation moves the endpoint at once, and touches no connection")
    func forced() async throws {
        try await withDataPlane { control, target in
            var plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let client = try await Client(control, plan)
            let connection = try client.connect()
            let served = try target.accept()
            for generation in UInt32(1)...3 {
                plan.generation = generation
                try control.plan([plan])
                #expect(eventually { control.rotations(of: plan.id).last?.turn.generation == generation })
                try expectService(try client.connect(), try target.accept())
            }
            try expectService(connection, served)
            let endpoints = control.rotations(of: plan.id).map(\.endpoint)
            #expect(endpoints.count == 4 && Set(endpoints).count == 4)
            #expect(control.rotations(of: plan.id).dropFirst().map(\.previous) == endpoints.dropLast())
        }
    }

    @Test("rotations of every 200 ms end no connection and fail none")
    func natural() async throws {
        try await withDataPlane { control, target in
            let plan = samplePlan(target: target.endpoint, intervalMilliseconds: 200, overlapMilliseconds: 100)
            try control.plan([plan])
            let client = try await Client(control, plan)
            let connection = try client.connect()
            let served = try target.accept()
            var count = 0
            while control.rotations(of: plan.id).count < 15 {
                let visitor = try client.connect()
                try expectService(visitor, try target.accept())
                count += 1
            }
            try expectService(connection, served)
            #expect(count > 0)
            #expect(client.failures.isEmpty)
            #expect(control.flows.allSatisfy { $0.ending != .shutdown && $0.ending != .tunnelRemoved })
            #expect(control.listeners(of: plan.id).count <= 8)
        }
    }

    @Test("a window key that is missing is asked for and told; one that comes late is used at once")
    func lateKey() async throws {
        try await withDataPlane { control, target in
            control.manner.withLockedValue { $0.givesKeys = false }
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            #expect(eventually { control.failures.contains { $0.tunnel == plan.id && $0.step == "key" } })
            let wanted = control.messages.filter { if case .windowKeyWanted = $0 { true } else { false } }
            #expect(wanted.count == 1)
            #expect(control.rotations(of: plan.id).isEmpty)
            try control.giveKeys(plan)
            _ = try control.live(plan.id)
        }
    }

    @Test("a key that replaces another one moves the endpoint to where the new key says")
    func replacedKey() async throws {
        try await withDataPlane { control, target in
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let client = try await Client(control, plan)
            let connection = try client.connect()
            let served = try target.accept()
            let root = SharedSecret(try SecretBytes(randomCount: 32))
            try control.giveKeys(plan, root: root)
            #expect(eventually { control.rotations(of: plan.id).count >= 2 })
            let report = try #require(control.rotations(of: plan.id).last)
            let schedule = try EndpointSchedule(parameters: plan.schedule)
            let key = try WindowKeys.derive(
                root: root.bytes, tunnel: plan.id, window: schedule.window(of: report.turn.epoch))
            let expected = schedule.candidate(Int(report.candidate), turn: report.turn, windowKey: key)
            #expect(report.endpoint == expected)
            try expectService(connection, served)
        }
    }

    @Test("an endpoint that another program holds is passed over, and told")
    func taken() async throws {
        try await withDataPlane { control, target in
            var plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let client = try await Client(control, plan)
            let now = try #require(control.rotations(of: plan.id).last).turn
            let schedule = try EndpointSchedule(parameters: plan.schedule)
            let turn = ScheduleTurn(epoch: now.epoch, generation: 1)
            let key = try control.windowKey(plan.id, schedule.window(of: turn.epoch))
            let wanted = schedule.candidates(turn: turn, windowKey: key.bytes, limit: 3)
            let holders = try wanted.prefix(2).map { try BlockingServer(at: $0.address, port: $0.port) }
            plan.generation = 1
            try control.plan([plan])
            #expect(eventually { control.rotations(of: plan.id).count == 2 })
            let report = try #require(control.rotations(of: plan.id).last)
            #expect(report.endpoint == wanted[2])
            #expect(report.candidate == 2)
            #expect(
                control.incidents.filter { $0.kind == .endpointTaken }.map(\.local)
                    == wanted.prefix(2).map(Optional.some))
            #expect(!holders.contains { $0.hasVisitor })
            try expectService(try client.connect(), try target.accept())
        }
    }

    @Test("two tunnels never meet on one endpoint, though all their ports are the same")
    func apart() async throws {
        try await withDataPlane { control, target in
            let plans = (0..<4).map { _ in
                samplePlan(
                    target: target.endpoint, intervalMilliseconds: 300, overlapMilliseconds: 100, ports: 8_100...8_140,
                    addresses: .fixed)
            }
            try control.plan(plans)
            #expect(eventually(.seconds(15)) { plans.allSatisfy { control.rotations(of: $0.id).count >= 5 } })
            #expect(control.incidents.isEmpty)
        }
    }
}
