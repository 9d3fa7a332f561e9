import DTMCore
import Testing

@Suite struct EventTests {
    @Test("Severities are ordered as syslog has them")
    func severities() {
        #expect(Severity.allCases == Severity.allCases.sorted())
        #expect(Severity.debug < .critical)
        #expect(!(Severity.error < .error))
    }

    @Test("Turns are ordered by epoch, then by generation")
    func turns() {
        #expect(ScheduleTurn(epoch: 1, generation: 9) < ScheduleTurn(epoch: 2, generation: 0))
        #expect(ScheduleTurn(epoch: 2, generation: 0) < ScheduleTurn(epoch: 2, generation: 1))
        #expect(!(ScheduleTurn(epoch: 2, generation: 1) < ScheduleTurn(epoch: 2, generation: 1)))
    }

    @Test("Every ending and every role has a name of its own")
    func names() {
        #expect(Set(FlowRecord.Ending.allCases.map(\.name)).count == FlowRecord.Ending.allCases.count)
        #expect(Set(ListenerRole.allCases.map(\.name)).count == ListenerRole.allCases.count)
    }

    @Test("An error says its cause below itself")
    func causes() {
        let error = Outer()
        #expect(error.description == "outer failed\n  because: inner failed")
        #expect(error.hint == nil)
    }

    private struct Inner: DescribedError {
        let codeName = "test.inner"
        let message = "inner failed"
    }

    private struct Outer: DescribedError {
        let codeName = "test.outer"
        let message = "outer failed"
        let cause: (any Error)? = Inner()
    }
}
