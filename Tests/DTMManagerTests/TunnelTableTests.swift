import DTMConfiguration
import DTMCore
import DTMPlan
import Testing

@testable import DTMManager

@Suite struct TunnelTableTests {
    @Test func `a name that is taken is a conflict that says by what`() throws {
        let table = try Samples.table(Samples.draft("redis"))
        let error = #expect(throws: ManagerError.self) { try table.check(Samples.draft("redis", "127.0.0.1:1")) }
        #expect(error?.code == .tunnelNameTaken)
        #expect(error?.message.contains("127.0.0.1:6379") == true)
    }

    @Test func `a target that is protected already is a conflict that names the tunnel`() throws {
        let table = try Samples.table(Samples.draft("redis"))
        let error = #expect(throws: ManagerError.self) { try table.check(Samples.draft("other")) }
        #expect(error?.code == .targetTaken)
        #expect(error?.message.contains("redis") == true)
    }

    @Test func `there are no more tunnels than the configuration allows`() throws {
        var table = try Samples.table(Samples.draft("redis"))
        table.defaults.configuration.limits.maximumTunnels = 1
        #expect(managerCode { try table.check(Samples.draft("b", "127.0.0.1:1")) } == .tunnelLimit)
    }

    @Test func `a range without a usable port is refused, and so is one too small for a fixed address`() throws {
        let table = try Samples.table()
        #expect(managerCode { try table.check(Samples.draft("a") { $0.portRange = 5_432...5_432 }) } == .rangeTooSmall)
        let narrow = try Samples.draft("a") {
            $0.portRange = 5_001...5_002
            $0.addresses = .fixed
        }
        #expect(managerCode { try table.check(narrow) } == .rangeTooSmall)
        #expect(managerCode { try table.check(Samples.draft("a") { $0.portRange = 5_001...5_001 }) } == nil)
    }

    @Test func `tunnels on the fixed address that share a range are counted together`() throws {
        let fixed: (inout TunnelConfiguration) -> Void = {
            $0.portRange = 5_001...5_006
            $0.addresses = .fixed
        }
        let table = try Samples.table(Samples.draft("a", "127.0.0.1:1", fixed))
        #expect(managerCode { try table.check(Samples.draft("b", "127.0.0.1:2", fixed)) } == .rangeTooSmall)
    }

    @Test func `an interval out of bounds is refused with what is allowed`() throws {
        let table = try Samples.table()
        let error = #expect(throws: ManagerError.self) {
            try table.check(Samples.draft("a") { $0.intervalSeconds = 0.1 })
        }
        #expect(error?.code == .requestInvalid)
        #expect(error?.message.contains("0.2") == true)
    }

    @Test func `an unknown name lists those that there are`() throws {
        let table = try Samples.table(Samples.draft("redis"))
        let error = #expect(throws: ManagerError.self) { try table.record(named: "redsi") }
        #expect(error?.code == .tunnelUnknown)
        #expect(error?.hint?.contains("redis") == true)
    }

    @Test func `a new root asks for a rotation, so that the endpoint moves to where the new key says`() throws {
        var table = try Samples.table(Samples.draft("redis"))
        let before = try table.record(named: "redis")
        table.rekey(before.id, root: try Samples.root())
        let after = try table.record(named: "redis")
        #expect(after.keyGeneration == before.keyGeneration + 1)
        #expect(after.generation == before.generation + 1)
        #expect(after.root !== before.root)
    }
}

@Suite struct TableConfigurationTests {
    private func apply(_ table: TunnelTable, _ drafts: [TunnelDraft]) throws -> TableChange {
        try table.applying(drafts, defaults: table.defaults) { () throws(ManagerError) in try TunnelRegistry.freshRoot()
        }
    }

    @Test func `what is new is added, what is gone is removed, and what stays keeps its id and its secret`() throws {
        let start = try apply(
            try Samples.table(),
            [
                try Samples.draft("a", "127.0.0.1:1", origin: .configuration),
                try Samples.draft("b", "127.0.0.1:2", origin: .configuration),
            ])
        let change = try apply(
            start.table,
            [
                try Samples.draft("b", "127.0.0.1:2", origin: .configuration),
                try Samples.draft("c", "127.0.0.1:3", origin: .configuration),
            ])
        #expect(change.removed.map(\.name.text) == ["a"])
        #expect(change.added.compactMap { change.table[$0]?.name.text } == ["c"])
        #expect(change.changed.isEmpty)
        let before = try start.table.record(named: "b")
        let after = try change.table.record(named: "b")
        #expect(after.id == before.id)
        #expect(after.root === before.root)
    }

    @Test func `two tunnels may exchange their targets in one reload`() throws {
        let start = try apply(
            try Samples.table(),
            [
                try Samples.draft("a", "127.0.0.1:1", origin: .configuration),
                try Samples.draft("b", "127.0.0.1:2", origin: .configuration),
            ])
        let change = try apply(
            start.table,
            [
                try Samples.draft("a", "127.0.0.1:2", origin: .configuration),
                try Samples.draft("b", "127.0.0.1:1", origin: .configuration),
            ])
        #expect(change.changed.count == 2)
        #expect(change.removed.isEmpty && change.added.isEmpty)
    }

    @Test func `tunnels that were made by request stay, and a clash with one refuses the whole`() throws {
        let table = try Samples.table(Samples.draft("mine", "127.0.0.1:9"))
        let change = try apply(table, [try Samples.draft("a", "127.0.0.1:1", origin: .configuration)])
        #expect(change.table.count == 2)
        #expect(
            managerCode { _ = try apply(table, [try Samples.draft("mine", "127.0.0.1:1", origin: .configuration)]) }
                == .tunnelNameTaken)
        #expect(
            managerCode { _ = try apply(table, [try Samples.draft("x", "127.0.0.1:9", origin: .configuration)]) }
                == .targetTaken)
    }

    @Test func `a tunnel of the same name and target is taken over`() throws {
        let table = try Samples.table(Samples.draft("redis"))
        let change = try apply(table, [try Samples.draft("redis", origin: .configuration)])
        let record = try change.table.record(named: "redis")
        #expect(record.draft.origin == .configuration)
        #expect(record.id == (try table.record(named: "redis")).id)
    }

    @Test func `new defaults change the tunnels that take theirs from them`() throws {
        let table = try Samples.table(Samples.draft("redis"))
        var defaults = table.defaults
        defaults.configuration.rotation.intervalSeconds = 3
        let change = try table.applying([], defaults: defaults) { () throws(ManagerError) in
            try TunnelRegistry.freshRoot()
        }
        #expect(change.changed.count == 1)
        #expect(try change.table.record(named: "redis").settings.schedule.intervalMilliseconds == 3_000)
    }
}

@Suite struct PlanAuthorTests {
    @Test func `a plan is written once, and its version rises with the next`() throws {
        var author = PlanAuthor()
        var table = try Samples.table(Samples.draft("redis"))
        let first = try found(author.write(table, trust: Samples.trust))
        #expect(first.tunnels.count == 1)
        #expect(author.write(table, trust: Samples.trust) == nil)
        table.rotate(first.tunnels[0].id)
        let second = try found(author.write(table, trust: Samples.trust))
        #expect(second.version == first.version + 1)
        #expect(second.tunnels[0].generation == 1)
    }

    @Test func `a tunnel whose name has no address yet waits outside of the plan`() throws {
        var author = PlanAuthor()
        let table = try Samples.table(Samples.draft("web", "example.test:80"))
        #expect(try found(author.write(table, trust: Samples.trust)).tunnels.isEmpty)
    }

    @Test func `another data plane is told everything, under a version that rises`() throws {
        var author = PlanAuthor()
        let table = try Samples.table(Samples.draft("redis"))
        let first = try found(author.write(table, trust: Samples.trust))
        author = PlanAuthor(after: author)
        let second = try found(author.write(table, trust: Samples.trust))
        #expect(second.version > first.version)
    }
}
