import DTMCore
import DTMSecrets
import Testing

@testable import DTMPlan

@Suite struct LinkQueueTests {
    private let hello = DataPlaneMessage.hello(
        DataPlaneHello(protocolVersion: 1, pid: 1, memory: MemoryReport(backing: .secret)))
    private let kept = DataPlaneMessage.planApplied(version: 1)
    private let droppable = DataPlaneMessage.counters(tunnel: TunnelID(high: 1, low: 2), TunnelCounters())

    private func queue(_ change: (inout PlanQueueLimits) -> Void = { _ in }) throws -> LinkQueue {
        var limits = PlanQueueLimits()
        change(&limits)
        var queue = LinkQueue(limits: limits)
        _ = try queue.enqueue(hello)
        return queue
    }

    @Test("The writer is woken once, and only when it waits")
    func wakes() throws {
        var queue = try queue()
        var batch = LinkBatch()
        #expect(queue.take(into: &batch) == .write)
        #expect(queue.take(into: &batch) == .wait)
        #expect(try queue.enqueue(kept) == .wakeWriter)
        #expect(try queue.enqueue(kept) == .noAction)
        #expect(queue.take(into: &batch) == .write)
        #expect(batch.count == 2)
    }

    @Test("Above the count for what may be lost, it is dropped and counted; the rest is kept")
    func dropsByCount() throws {
        var queue = try queue { $0.droppableFrames = 3 }
        #expect(try queue.enqueue(droppable) == .noAction)
        #expect(try queue.enqueue(droppable) == .noAction)
        #expect(try queue.enqueue(droppable) == .dropped)
        #expect(try queue.enqueue(kept) == .noAction)
        #expect(queue.dropped == 1)
        var batch = LinkBatch()
        #expect(queue.take(into: &batch) == .write)
        #expect(batch.count == 4)
    }

    @Test("Above the bytes for what may be lost, it is dropped whole")
    func dropsByBytes() throws {
        let frame = try FrameCodec.encode(droppable).count
        let start = try FrameCodec.encode(hello).count
        var queue = try queue { $0.droppableBytes = start + 2 * frame }
        #expect(try queue.enqueue(droppable) == .noAction)
        #expect(try queue.enqueue(droppable) == .noAction)
        #expect(try queue.enqueue(droppable) == .dropped)
        var batch = LinkBatch()
        #expect(queue.take(into: &batch) == .write)
        #expect(batch.frames.count == start + 2 * frame)
    }

    @Test("What is being written counts until it is written")
    func countsInFlight() throws {
        var queue = try queue { $0.droppableFrames = 2 }
        var batch = LinkBatch()
        #expect(try queue.enqueue(droppable) == .noAction)
        #expect(queue.take(into: &batch) == .write)
        #expect(try queue.enqueue(droppable) == .dropped)
        #expect(queue.take(into: &batch) == .wait)
        #expect(try queue.enqueue(droppable) == .wakeWriter)
    }

    @Test("Above the hard bound the queue fails, with what waits in its message")
    func overflows() throws {
        var queue = try queue { $0.frames = 2 }
        #expect(try queue.enqueue(kept) == .noAction)
        expect(.overflow) { try queue.enqueue(kept) }
        var bytes = try self.queue { $0.bytes = 20 }
        expect(.overflow) { try bytes.enqueue(kept) }
    }

    @Test("The hello is first, and once")
    func helloFirst() throws {
        var queue = LinkQueue(limits: PlanQueueLimits())
        expect(.hello) { try queue.enqueue(kept) }
        #expect(try queue.enqueue(hello) == .noAction)
        expect(.hello) { try queue.enqueue(hello) }
    }

    @Test("A message that breaks a bound leaves nothing behind")
    func refusal() throws {
        var queue = try queue()
        expect(.size) {
            try queue.enqueue(DataPlaneMessage.certificateRequest(.probe(TunnelID(high: 1, low: 2)), der: []))
        }
        #expect(try queue.enqueue(kept) == .noAction)
        var batch = LinkBatch()
        #expect(queue.take(into: &batch) == .write)
        #expect(batch.frames.bytes == (try FrameCodec.encode(hello)) + (try FrameCodec.encode(kept)))
    }

    @Test("After finish what waits is still given to the writer, and nothing new is taken")
    func finishing() throws {
        var queue = try queue()
        queue.finish()
        expect(.closed) { try queue.enqueue(kept) }
        var batch = LinkBatch()
        #expect(queue.take(into: &batch) == .write)
        #expect(!queue.isDrained)
        #expect(queue.take(into: &batch) == .end)
        #expect(queue.isDrained)
    }

    @Test("After close nothing is given to the writer, and the first error stays")
    func closing() throws {
        var queue = try queue()
        queue.close(nil)
        queue.close(.trailing(1))
        queue.close(.closed)
        guard case .closed(let error) = queue.phase else { throw PlanTestError.unexpectedMessage }
        #expect(error?.code == .trailing)
        var batch = LinkBatch()
        #expect(queue.take(into: &batch) == .end)
    }

    @Test("A key is kept beside the bytes of its frame, at its place")
    func secrets() throws {
        var queue = LinkQueue(limits: PlanQueueLimits())
        _ = try queue.enqueue(
            ControlMessage.hello(ControlHello(protocolVersion: 1, anchor: ClockAnchor(offsetNanoseconds: 0))))
        let key = SharedSecret(try SecretBytes(randomCount: 32))
        _ = try queue.enqueue(ControlMessage.windowKey(tunnel: TunnelID(high: 1, low: 2), window: 3, key: key))
        _ = try queue.enqueue(ControlMessage.drain(milliseconds: 1))
        var batch = LinkBatch()
        #expect(queue.take(into: &batch) == .write)
        #expect(batch.secrets.map(\.offset) == [15 + 5 + 24])
        #expect(batch.secrets.first?.secret === key)
        #expect(batch.frames.count == 15 + 29 + 9)
        #expect(batch.frames.bytes[15..<20] == [0, 0, 0, 56, 3])
    }
}
