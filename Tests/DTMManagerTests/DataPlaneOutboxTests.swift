@testable import DTMPlan
import Synchronization
import Testing

@testable import DTMManager

@Suite struct DataPlaneOutboxTests {
    private struct FailingSink: ControlMessageSink {
        let code: PlanError.Code

        func send(_ message: ControlMessage) throws(PlanError) { throw PlanError(code, "it fails") }
    }

    @Test(
        "A message that can't be sent is told, but for the end of the link, which its reader tells",
        arguments: [(PlanError.Code.size, 1), (.overflow, 1), (.closed, 0)])
    func failure(code: PlanError.Code, count: Int) {
        let failures = Mutex<[PlanError.Code]>([])
        let outbox = DataPlaneOutbox { failure in failures.withLock { $0.append(failure.code) } }
        #expect(!outbox.send(.drain(milliseconds: 1)))
        outbox.connect(FailingSink(code: code))
        #expect(!outbox.send(.drain(milliseconds: 1)))
        #expect(failures.withLock { $0.count } == count)
    }
}
