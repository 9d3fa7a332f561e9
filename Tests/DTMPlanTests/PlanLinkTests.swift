import DTMCore
import DTMSecrets
import Glibc
import Synchronization
import Testing

@testable import DTMPlan

@Suite(.timeLimit(.minutes(2))) struct PlanLinkTests {
    private static let helloFromControl = ControlMessage.hello(
        ControlHello(protocolVersion: PlanProtocol.version, anchor: ClockAnchor(offsetNanoseconds: 7)))
    private static let helloFromDataPlane = DataPlaneMessage.hello(
        DataPlaneHello(protocolVersion: PlanProtocol.version, pid: 1, memory: MemoryReport(backing: .secret)))

    private func ends(limits: PlanQueueLimits = .init()) throws -> (control: ControlEnd, dataPlane: DataPlaneEnd) {
        let (first, second) = try streamPair()
        return (try ControlEnd(adopting: first, limits: limits), try DataPlaneEnd(adopting: second, limits: limits))
    }

    private func streamPair() throws -> (CInt, CInt) {
        let pair = try SocketPair.stream()
        return (pair.first.release(), pair.second.release())
    }

    @Test("Messages arrive whole and in order, both ways")
    func bothWays() throws {
        let (control, dataPlane) = try ends()
        var generator = MessageGenerator(seed: 60)
        let up = (0..<200).flatMap { _ in generator.dataPlaneMessages().dropFirst() }
        let down = (0..<200).flatMap { _ in generator.controlMessages().dropFirst() }
        let arrived = try Inbox<DataPlaneMessage>()
        try control.start(onMessage: arrived.receive, onEnd: arrived.end)
        try control.send(Self.helloFromControl)
        try dataPlane.send(Self.helloFromDataPlane)
        for message in up { try dataPlane.send(message) }
        for message in down { try control.send(message) }
        let frames = Mutex<[[UInt8]]>([])
        let reading = try WorkerThread(named: "test") {
            try? dataPlane.run { message in
                if let frame = try? FrameCodec.encode(message) { frames.withLock { $0.append(frame) } }
            }
        }
        #expect(control.finish(within: .seconds(60)))
        reading.join()
        #expect(dataPlane.dropped == 0)
        #expect(try frames.withLock { $0 } == ([Self.helloFromControl] + down).map { try FrameCodec.encode($0) })
    }

    @Test("What was sent before finish arrives, then the link ends without an error")
    func finishDelivers() throws {
        let (control, dataPlane) = try ends()
        var generator = MessageGenerator(seed: 61)
        let sent = [Self.helloFromDataPlane] + (0..<300).flatMap { _ in generator.dataPlaneMessages().dropFirst() }
        let arrived = try Inbox<DataPlaneMessage>()
        try control.start(onMessage: arrived.receive, onEnd: arrived.end)
        for message in sent { try dataPlane.send(message) }
        #expect(dataPlane.finish(within: .seconds(60)))
        #expect(arrived.waitForEnd() == nil)
        #expect(arrived.messages == sent)
        expect(.closed) { try dataPlane.send(.drained) }
    }

    @Test("A window key arrives, and is not left in the memory of either end")
    func windowKey() throws {
        let (first, second) = try streamPair()
        let control = try ControlEnd(adopting: first)
        let tunnel = TunnelID(high: 3, low: 4)
        let key = SharedSecret(try SecretBytes(randomCount: 32))
        try control.send(Self.helloFromControl)
        try control.send(.windowKey(tunnel: tunnel, window: 99, key: key))
        try control.send(.drain(milliseconds: 5))
        let core = try LinkCore(adopting: OwnedDescriptor(adopting: second), limits: .init())
        var stream = FrameStream<ControlMessage>(of: core)
        _ = try stream.next()
        guard case .windowKey(tunnel, 99, let received) = try stream.next() else {
            throw PlanTestError.unexpectedMessage
        }
        let isSame = received.bytes.isEqual(to: key.bytes)
        #expect(isSame)
        guard case .drain(5) = try stream.next() else { throw PlanTestError.unexpectedMessage }
        let copies = try received.bytes.withBytes { span throws in try occurrencesInOwnMemory(of: span) }
        // Lent, it lies open in protected memory, which shows itself only where it is of the lesser kind.
        #expect(copies == (MemoryProtection.status?.backing == .secret ? 0 : 1))
        let ordinary = received.bytes.withBytes { span in span.withUnsafeBytes { Array($0) } }
        let more = try received.bytes.withBytes { span throws in try occurrencesInOwnMemory(of: span) }
        #expect(more == copies + 1, "the search finds an ordinary copy")
        withExtendedLifetime(ordinary) {}
        core.stop(nil)
    }

    @Test("Window keys arrive among plans, in order")
    func keysAmongPlans() throws {
        let (control, dataPlane) = try ends()
        var generator = MessageGenerator(seed: 62)
        let keys = try (0..<50).map { _ in SharedSecret(try SecretBytes(randomCount: 32)) }
        try control.send(Self.helloFromControl)
        for (window, key) in keys.enumerated() {
            try control.send(.plan(generator.plan()))
            try control.send(.windowKey(tunnel: TunnelID(high: 1, low: 1), window: UInt64(window), key: key))
        }
        #expect(control.finish(within: .seconds(60)))
        var matches = 0
        var plans = 0
        try dataPlane.run { message in
            if case .windowKey(_, let window, let key) = message, key.bytes.isEqual(to: keys[Int(window)].bytes) {
                matches += 1
            }
            if case .plan = message { plans += 1 }
        }
        #expect(matches == keys.count)
        #expect(plans == keys.count)
    }

    @Test("A key of another length is refused and the link goes on")
    func keyLength() throws {
        let (control, dataPlane) = try ends()
        try control.send(Self.helloFromControl)
        let short = SharedSecret(try SecretBytes(randomCount: 31))
        expect(.size, field: "windowKey.key") {
            try control.send(.windowKey(tunnel: TunnelID(high: 1, low: 1), window: 0, key: short))
        }
        try control.send(.drain(milliseconds: 1))
        #expect(control.finish(within: .seconds(60)))
        var count = 0
        try dataPlane.run { _ in count += 1 }
        #expect(count == 2)
    }

    @Test("A side that does not read costs flows and counters, which are counted, and nothing else")
    func dropPolicy() throws {
        var limits = PlanQueueLimits()
        limits.droppableFrames = 50
        let (control, dataPlane) = try ends(limits: limits)
        var generator = MessageGenerator(seed: 63)
        try dataPlane.send(Self.helloFromDataPlane)
        var flows = 0
        while dataPlane.dropped < 100 {
            try dataPlane.send(.flow(generator.flow()))
            flows += 1
        }
        let lost = Int(dataPlane.dropped)
        for version in UInt64(0)..<100 { try dataPlane.send(.planApplied(version: version)) }
        let arrived = try Inbox<DataPlaneMessage>()
        try control.start(onMessage: arrived.receive, onEnd: arrived.end)
        #expect(dataPlane.finish(within: .seconds(60)))
        #expect(arrived.waitForEnd() == nil)
        #expect(arrived.messages.count == 1 + flows - lost + 100)
        #expect(arrived.messages.suffix(100) == (UInt64(0)..<100).map { .planApplied(version: $0) })
    }

    @Test("When what must not be lost piles up, the link fails closed and says why")
    func overflow() throws {
        var limits = PlanQueueLimits()
        limits.frames = 100
        let (control, dataPlane) = try ends(limits: limits)
        try control.send(Self.helloFromControl)
        let failure = #expect(throws: PlanError.self) {
            while true {
                try control.send(
                    .credential(.probe(TunnelID(high: 1, low: 1)), chain: [[UInt8](repeating: 1, count: 8_192)]))
            }
        }
        #expect(failure?.code == .overflow)
        expect(.closed) { try control.send(.drain(milliseconds: 1)) }
        expect(.overflow) { try control.run { _ in } }
        _ = dataPlane
    }

    @Test("The end of the other process between two frames is an end; in a frame it is an error")
    func peerDeath() throws {
        let hello = try FrameCodec.encode(Self.helloFromDataPlane)
        for cut in 0..<hello.count {
            let (first, second) = try streamPair()
            let control = try ControlEnd(adopting: first)
            let peer = OwnedDescriptor(adopting: second)
            #expect(write(peer.number, hello + hello.prefix(cut), hello.count + cut) == hello.count + cut)
            _ = consume peer
            var code: PlanError.Code?
            do throws(PlanError) { try control.run { _ in } } catch { code = error.code }
            #expect(code == (cut == 0 ? nil : .truncated))
        }
    }

    @Test("What the other process sent before it was killed is read, though it left data unread itself")
    func deathWithUnreadData() throws {
        let (first, second) = try streamPair()
        let control = try ControlEnd(adopting: first)
        let peer = OwnedDescriptor(adopting: second)
        try control.send(Self.helloFromControl)
        var entry = pollfd(fd: peer.number, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 60_000) == 1)
        let frames = try FrameCodec.encode(Self.helloFromDataPlane) + FrameCodec.encode(DataPlaneMessage.drained)
        #expect(write(peer.number, frames, frames.count) == frames.count)
        _ = consume peer
        var messages: [DataPlaneMessage] = []
        try control.run { messages.append($0) }
        #expect(messages == [Self.helloFromDataPlane, .drained])
    }

    @Test("Sending to a process that has ended raises no signal")
    func noSIGPIPE() throws {
        let (first, second) = try streamPair()
        close(second)
        let control = try ControlEnd(adopting: first)
        try control.send(Self.helloFromControl)
        #expect(!control.finish(within: .seconds(60)))
    }

    @Test("A frame that breaks the protocol ends the link with its error")
    func protocolErrors() throws {
        let hello = try FrameCodec.encode(Self.helloFromDataPlane)
        let cases: [([UInt8], PlanError.Code)] = [
            (try FrameCodec.encode(DataPlaneMessage.drained), .hello),
            (hello + hello, .hello),
            (hello + [0, 0, 0, 0, 77], .type),
            (hello + [0, 1, 0, 1, 136], .size),
            (hello + [0, 0, 0, 1, 139, 0], .trailing),
            ([0, 0, 0, 2, 129, 0, 99], .version),
        ]
        for (bytes, code) in cases {
            let (first, second) = try streamPair()
            let control = try ControlEnd(adopting: first)
            let peer = OwnedDescriptor(adopting: second)
            #expect(write(peer.number, bytes, bytes.count) == bytes.count)
            expect(code) { try control.run { _ in } }
            expect(.closed) { try control.send(Self.helloFromControl) }
            var rest = [UInt8](repeating: 0, count: 64)
            #expect(read(peer.number, &rest, rest.count) == 0, "the other side sees the end")
        }
    }

    @Test("A window key's frame that is too short for a key is refused")
    func shortKeyFrame() throws {
        let (first, second) = try streamPair()
        let dataPlane = try DataPlaneEnd(adopting: first)
        let peer = OwnedDescriptor(adopting: second)
        let bytes = try FrameCodec.encode(Self.helloFromControl) + [0, 0, 0, 31, 3] + [UInt8](repeating: 0, count: 31)
        #expect(write(peer.number, bytes, bytes.count) == bytes.count)
        expect(.truncated, field: "windowKey.key") { try dataPlane.run { _ in } }
    }

    @Test("Bytes that come one at a time make the same messages")
    func partialReads() throws {
        let (first, second) = try streamPair()
        let control = try ControlEnd(adopting: first)
        var generator = MessageGenerator(seed: 64)
        let sent = [Self.helloFromDataPlane] + generator.dataPlaneMessages().dropFirst()
        let arrived = try Inbox<DataPlaneMessage>()
        try control.start(onMessage: arrived.receive, onEnd: arrived.end)
        let peer = OwnedDescriptor(adopting: second)
        for byte in try sent.flatMap({ try FrameCodec.encode($0) }) {
            #expect(withUnsafeBytes(of: byte) { write(peer.number, $0.baseAddress, 1) } == 1)
        }
        _ = consume peer
        #expect(arrived.waitForEnd() == nil)
        #expect(arrived.messages == sent)
    }

    @Test("Random bytes end the link and trap nothing")
    func randomStream() throws {
        var generator = MessageGenerator(seed: 65)
        for _ in 0..<200 {
            let (first, second) = try streamPair()
            let dataPlane = try DataPlaneEnd(adopting: first)
            let peer = OwnedDescriptor(adopting: second)
            let bytes = try FrameCodec.encode(Self.helloFromControl) + [0, 0, 0] + generator.bytes(2...400)
            #expect(write(peer.number, bytes, bytes.count) == bytes.count)
            _ = consume peer
            try? dataPlane.run { _ in }
        }
    }
}

/// Collects what a link receives on its own thread.
final class Inbox<Message: Sendable>: Sendable {
    private let state = Mutex<(messages: [Message], end: PlanError?)>(([], nil))
    private let ended: WakeSignal

    init() throws(PlanError) { ended = try WakeSignal() }

    var messages: [Message] { state.withLock { $0.messages } }

    var receive: @Sendable (Message) -> Void {
        { message in self.state.withLock { $0.messages.append(message) } }
    }

    var end: @Sendable (PlanError?) -> Void {
        { error in
            self.state.withLock { $0.end = error }
            self.ended.wake()
        }
    }

    /// The error that the link ended with.
    func waitForEnd() -> PlanError? {
        ended.wait()
        return state.withLock { $0.end }
    }
}
