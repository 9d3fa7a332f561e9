import DTMCore
import DTMPlan
import DTMSecrets
import DTMTestSupport
import Testing

@testable import DTMDataPlane

@Suite struct SelfCheckTests {
    private func looks(_ control: FakeControl) -> [[String]] {
        control.messages.compactMap { if case .verified(let lapses) = $0 { lapses } else { nil } }
    }

    @Test("The data plane says first how its memory is protected, and then after each look what does not hold")
    func reports() throws {
        let control = try FakeControl()
        try control.plan([])
        #expect(eventually { !looks(control).isEmpty })
        guard case .hello(let hello)? = control.messages.first else { return #expect(Bool(false), "no hello") }
        #expect(hello.memory == MemoryReport(try #require(MemoryProtection.status)))
        // This process was not hardened: a look that finds nothing looks at nothing.
        #expect(looks(control).first?.contains { $0.contains("trace and dump") } == true)
        #expect(looks(control).first?.contains { $0.contains("memory") } == false)
        try control.plan([], identities: ["spiffe://x/client/y"])
        #expect(eventually { control.appliedVersions.contains(2) })
        #expect(looks(control).count == 1, "the same interval looks when it is due")
        #expect(try control.end() == 0)
    }
}
