import DTMTestSupport
import DTMCore
import DTMPlan
import DTMSecrets
import Testing

@testable import DTMDataPlane

@Suite("Plans become true", .serialized)
struct PlanTests {
    @Test("a tunnel comes to be, and serves")
    func comesTrue() async throws {
        try await withDataPlane { control, target in
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let live = try control.live(plan.id)
            let client = try await Client(control, plan)
            let connection = try client.connect()
            try expectService(connection, try target.accept())
            #expect(control.appliedVersions == [1])
            #expect(control.listeners(of: plan.id).filter { $0.role == .live }.map(\.endpoint) == [live])
            #expect(control.failures.allSatisfy { $0.step == "key" })
            #expect(control.incidents.isEmpty)
        }
    }

    @Test("somebody who is throttled comes in, and with him anybody else")
    func throttled() async throws {
        try await withDataPlane { control, target in
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let client = try await Client(control, plan)
            let other = try await Client(control, plan, who: "uid-1.other")
            try control.plan([plan], throttled: [client.identity.description])
            #expect(eventually { control.appliedVersions.count == 2 })
            try expectService(try client.connect(), try target.accept())
            for _ in 0..<3 { try expectService(try other.connect(), try target.accept()) }
        }
    }

    @Test("the same plan again changes nothing")
    func idempotent() async throws {
        try await withDataPlane { control, target in
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let client = try await Client(control, plan)
            let connection = try client.connect()
            let served = try target.accept()
            let before = control.rotations(of: plan.id)
            for _ in 0..<3 { try control.plan([plan]) }
            #expect(eventually { control.appliedVersions == [1, 2, 3, 4] })
            try expectService(connection, served)
            try expectService(try client.connect(), try target.accept())
            #expect(control.rotations(of: plan.id) == before)
        }
    }

    @Test("tunnels come, change and go without touching another tunnel's connections")
    func others() async throws {
        try await withDataPlane { control, target in
            let first = samplePlan(target: target.endpoint)
            try control.plan([first])
            let client = try await Client(control, first)
            let connection = try client.connect()
            let served = try target.accept()

            let otherTarget = try BlockingServer()
            var second = samplePlan(target: otherTarget.endpoint)
            try control.plan([first, second])
            let otherClient = try await Client(control, second)
            let otherConnection = try otherClient.connect()
            let otherServed = try otherTarget.accept()
            try expectService(otherConnection, otherServed)

            let moved = try BlockingServer()
            second.target = .tcp([moved.endpoint])
            try control.plan([first, second])
            #expect(eventually { control.appliedVersions.count == 3 })
            try expectService(otherConnection, otherServed)
            try expectService(try otherClient.connect(), try moved.accept())

            try control.plan([first])
            #expect(otherConnection.receiveAll() == nil)
            #expect(otherServed.receiveAll() == nil)
            #expect(eventually { control.flows.contains { $0.tunnel == second.id && $0.ending == .tunnelRemoved } })
            try expectService(connection, served)
            try expectService(try client.connect(), try target.accept())
            #expect(control.rotations(of: first.id).count == 1)
            #expect(control.flows.allSatisfy { $0.tunnel == second.id || $0.ending != .tunnelRemoved })
        }
    }

    @Test("another interval and another range move the endpoint, and a schedule that can't be is told")
    func schedules() async throws {
        try await withDataPlane { control, target in
            var plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let client = try await Client(control, plan)
            let connection = try client.connect()
            let served = try target.accept()

            plan.schedule.lowestPort = 7_000
            plan.schedule.highestPort = 7_100
            try control.plan([plan])
            #expect(
                eventually {
                    control.rotations(of: plan.id).last.map { (7_000...7_100).contains($0.endpoint.port) } == true
                })
            plan.schedule.intervalMilliseconds = 50_000
            try control.plan([plan])
            #expect(eventually { control.rotations(of: plan.id).count == 3 })
            try expectService(connection, served)

            plan.schedule.skippedPorts = Array(7_000...7_100)
            try control.plan([plan])
            #expect(eventually { control.failures.contains { $0.step == "bind" && $0.reason.contains("schedule") } })
            try expectService(try client.connect(), try target.accept())
        }
    }

    @Test("a trust bundle that can't be used changes nothing, and is told")
    func badBundle() async throws {
        try await withDataPlane { control, target in
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let client = try await Client(control, plan)
            try control.plan([], bundle: [[1, 2, 3]])
            #expect(eventually { control.incidents.contains { $0.reason.contains("trust bundle") } })
            #expect(control.appliedVersions == [1])
            try expectService(try client.connect(), try target.accept())
        }
    }

    @Test("ends when control does, and tells a drain that is over")
    func drain() async throws {
        let control = try FakeControl()
        let target = try BlockingServer()
        let plan = samplePlan(target: target.endpoint)
        try control.plan([plan])
        let client = try await Client(control, plan)
        let live = try control.live(plan.id)
        let connection = try client.connect()
        let served = try target.accept()
        try expectService(connection, served)
        try control.link.send(.drain(milliseconds: 20_000))
        #expect(eventually { BlockingSocket.isRefused(at: live) })
        try expectService(connection, served)
        connection.endSending()
        served.endSending()
        #expect(try control.waitForEnd() == 0)
        #expect(eventually { control.messages.contains(.drained) })
        #expect(control.flows.map(\.ending) == [.finished])
        _ = try control.end()
    }

    @Test("what is still open when the drain has run out is cut, and told")
    func drainRunsOut() async throws {
        let control = try FakeControl()
        let target = try BlockingServer()
        let plan = samplePlan(target: target.endpoint)
        try control.plan([plan])
        let client = try await Client(control, plan)
        let connection = try client.connect()
        let served = try target.accept()
        try expectService(connection, served)
        try control.link.send(.drain(milliseconds: 200))
        #expect(connection.receiveAll() == nil)
        #expect(served.receiveAll() == nil)
        #expect(try control.waitForEnd() == 0)
        #expect(eventually { control.messages.contains(.drained) })
        #expect(control.flows.map(\.ending) == [.shutdown])
        _ = try control.end()
    }
}
