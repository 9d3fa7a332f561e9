import DTMTestSupport
import DTMCertificates
import DTMCore
import DTMPlan
import NIOConcurrencyHelpers
import Testing

@testable import DTMDataPlane

@Suite("Certificates of the data plane", .serialized)
struct CertificateTests {
    private func listenerRequests(_ control: FakeControl) -> [Timestamp] {
        control.heard.withLockedValue { heard in
            heard.requests.compactMap { if case .listener = $0.0 { $0.1 } else { nil } }
        }
    }

    @Test("are renewed before they expire, while connections go on")
    func renewal() async throws {
        try await withDataPlane { control, target in
            control.manner.withLockedValue { $0.leafLifetime = .seconds(3) }
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan], leafLifetime: 3)
            let client = try await Client(control, plan)
            let requests = listenerRequests(control).count
            #expect(eventually(.seconds(15)) { listenerRequests(control).count >= requests + 2 })
            let moments = listenerRequests(control)
            for (earlier, later) in zip(moments, moments.dropFirst()) { #expect(later - earlier < .seconds(3)) }
            #expect(try expectRefusal(of: client, by: control))
        }
    }

    /// Its own certificate lives for longer than this plan allows.
    private func expectRefusal(of client: Client, by control: FakeControl) throws -> Bool {
        let connection = try client.connect()
        try connection.send("hello")
        return eventually { control.incidents.contains { $0.reason.contains("longer than is allowed") } }
    }

    @Test("that live longer than the plan allows are not taken")
    func tooLong() async throws {
        try await withDataPlane { control, target in
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan], leafLifetime: 60)
            #expect(
                eventually { control.failures.contains { $0.step == "credential" && $0.reason.contains("longer") } })
            #expect(control.rotations(of: plan.id).isEmpty)
        }
    }

    @Test("are asked for again when control does not answer")
    func askedAgain() async throws {
        try await withDataPlane { control, target in
            control.manner.withLockedValue { $0.issues = false }
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            #expect(eventually { listenerRequests(control).count == 1 })
            control.manner.withLockedValue { $0.issues = true }
            // As an operator does who does not want to wait.
            try control.link.send(.renew(.listener(plan.id)))
            try control.link.send(.renew(.probe(plan.id)))
            _ = try control.live(plan.id)
        }
    }

    @Test("of an authority that joins the bundle are accepted; when the old one leaves, its clients are not")
    func bundles() async throws {
        try await withDataPlane { control, target in
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let client = try await Client(control, plan)
            let connection = try client.connect()
            let served = try target.accept()
            let next = try Authority(
                trustDomain: control.authority.trustDomain, lifetime: .seconds(86_400), now: control.clock.now())
            try control.plan([plan], bundle: [next.certificateDER, control.authority.certificateDER])
            #expect(eventually { control.appliedVersions.count == 2 })
            try expectService(try client.connect(), try target.accept())

            try control.plan([plan], bundle: [next.certificateDER])
            #expect(eventually { control.appliedVersions.count == 3 })
            try expectService(connection, served)
            let late = try client.connect()
            try late.send("hello")
            #expect(eventually { control.incidents.contains { $0.kind == .handshakeFailed } })
            #expect(!target.hasVisitor)
        }
    }

    @Test("that are revoked cut whoever holds them, and nobody else, and let him in no more")
    func revocation() async throws {
        try await withDataPlane { control, target in
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let (alice, bob) = (
                try await Client(control, plan, who: "alice"), try await Client(control, plan, who: "bob")
            )
            let hers = try alice.connect()
            let hersServed = try target.accept()
            try expectService(hers, hersServed)
            let his = try bob.connect()
            let hisServed = try target.accept()
            try expectService(his, hisServed)
            try control.plan([plan], identities: [alice.identity.description])
            #expect(hers.receiveAll() == nil)
            #expect(hersServed.receiveAll() == nil)
            try expectService(his, hisServed)
            #expect(eventually { control.incidents.contains { $0.kind == .connectionCut } })
            let again = try alice.connect()
            try again.send("hello")
            #expect(eventually { control.incidents.contains { $0.kind == .identityRefused } })
            #expect(!target.hasVisitor)

            try control.plan([plan], serials: [bob.serial], identities: [alice.identity.description])
            #expect(his.receiveAll() == nil)
            #expect(eventually { control.flows.filter { $0.ending == .revoked }.count == 2 })
        }
    }

    @Test("a flood of failed handshakes is a few messages that count them all")
    func flood() async throws {
        try await withDataPlane { control, target in
            let plan = samplePlan(target: target.endpoint)
            try control.plan([plan])
            let live = try control.live(plan.id)
            for _ in 0..<500 {
                let intruder = try BlockingSocket(connectedTo: live)
                try intruder.send("GET / HTTP/1.0\r\n\r\n")
                _ = intruder.receiveAll()
            }
            let failed = { control.incidents.filter { $0.kind == .handshakeFailed } }
            #expect(eventually { failed().reduce(0) { $0 + Int($1.count) } == 500 })
            #expect(failed().count < 250)
        }
    }
}
