import DTMTestSupport
import DTMPlan
import Testing

@Suite struct HostileFrameTests {
    /// Decodes, and when that works encodes again: the frame must come out as it was.
    private func isRefusedOrCanonical<Message: PlanMessage>(_ type: Message.Type, _ frame: [UInt8]) throws -> Bool {
        let message: Message
        do throws(PlanError) {
            message = try FrameCodec.decode(type, from: frame)
        } catch {
            return !error.message.isEmpty
        }
        return try FrameCodec.encode(message) == frame
    }

    private func frames(seed: UInt64) throws -> (control: [[UInt8]], dataPlane: [[UInt8]]) {
        var generator = MessageGenerator(seed: seed)
        return (
            try generator.controlMessages().map { try FrameCodec.encode($0) },
            try generator.dataPlaneMessages().map { try FrameCodec.encode($0) }
        )
    }

    /// Puts the length that the frame has into its header, so that the fields are what is tested.
    private func withLength(_ frame: [UInt8]) -> [UInt8] {
        guard frame.count >= PlanProtocol.headerBytes else { return frame }
        let length = UInt32(frame.count - PlanProtocol.headerBytes)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) } + frame[4...]
    }

    @Test("A frame that ends early is refused, wherever it ends")
    func truncation() throws {
        for seed in UInt64(20)..<23 {
            let frames = try frames(seed: seed)
            for frame in frames.control { #expect(isRefusedWhereverItEnds(frame, ControlMessage.self)) }
            for frame in frames.dataPlane { #expect(isRefusedWhereverItEnds(frame, DataPlaneMessage.self)) }
        }
    }

    private func isRefusedWhereverItEnds<Message: PlanMessage>(_ frame: [UInt8], _ type: Message.Type) -> Bool {
        (0..<frame.count).allSatisfy { end in
            let cut = Array(frame[..<end])
            return (try? FrameCodec.decode(type, from: cut)) == nil
                && (try? FrameCodec.decode(type, from: withLength(cut))) == nil
        }
    }

    @Test("A frame that goes on is refused")
    func trailing() throws {
        let frames = try frames(seed: 26)
        for frame in frames.control {
            expect(.trailing) { try FrameCodec.decode(ControlMessage.self, from: frame + [0]) }
            expect(.trailing) { try FrameCodec.decode(ControlMessage.self, from: withLength(frame + [0])) }
        }
        for frame in frames.dataPlane {
            expect(.trailing) { try FrameCodec.decode(DataPlaneMessage.self, from: frame + [0]) }
            expect(.trailing) { try FrameCodec.decode(DataPlaneMessage.self, from: withLength(frame + [0])) }
        }
    }

    @Test("A flipped bit is refused or makes another valid frame")
    func bitFlips() throws {
        for seed in UInt64(30)..<32 {
            let frames = try frames(seed: seed)
            for frame in frames.control { #expect(try flipEvery(frame, ControlMessage.self)) }
            for frame in frames.dataPlane { #expect(try flipEvery(frame, DataPlaneMessage.self)) }
        }
    }

    private func flipEvery<Message: PlanMessage>(_ frame: [UInt8], _ type: Message.Type) throws -> Bool {
        var flipped = frame
        for bit in 0..<frame.count * 8 {
            flipped[bit / 8] ^= 1 << (bit % 8)
            defer { flipped[bit / 8] ^= 1 << (bit % 8) }
            guard try isRefusedOrCanonical(type, flipped) else { return false }
        }
        return true
    }

    @Test("Random payloads of every type are refused or canonical")
    func randomBytes() throws {
        var generator = MessageGenerator(seed: 40)
        var failures = 0
        for round in SeededGenerator.rounds(100_000) {
            let type: UInt8 = round.isMultiple(of: 8) ? generator.integer() : UInt8(generator.count(1...13))
            let payload = (0..<generator.count(0...96)).map { _ in
                UInt8.random(in: 0...(round.isMultiple(of: 3) ? 255 : 7), using: &generator.random)
            }
            let control = withLength([0, 0, 0, 0, type] + payload)
            let dataPlane = withLength([0, 0, 0, 0, type | 128] + payload)
            if try !isRefusedOrCanonical(ControlMessage.self, control) { failures += 1 }
            if try !isRefusedOrCanonical(DataPlaneMessage.self, dataPlane) { failures += 1 }
        }
        #expect(failures == 0)
    }

    @Test("A valid frame with random bytes in it is refused or canonical")
    func splices() throws {
        var generator = MessageGenerator(seed: 41)
        var failures = 0
        for _ in SeededGenerator.rounds(2_000) {
            for message in generator.dataPlaneMessages() where generator.count(0...3) == 0 {
                let frame = splice(try FrameCodec.encode(message), &generator)
                if try !isRefusedOrCanonical(DataPlaneMessage.self, frame) { failures += 1 }
            }
            for message in generator.controlMessages() where generator.count(0...3) == 0 {
                let frame = splice(try FrameCodec.encode(message), &generator)
                if try !isRefusedOrCanonical(ControlMessage.self, frame) { failures += 1 }
            }
        }
        #expect(failures == 0)
    }

    private func splice(_ frame: [UInt8], _ generator: inout MessageGenerator) -> [UInt8] {
        let start = generator.count(PlanProtocol.headerBytes...frame.count)
        let end = generator.count(start...min(frame.count, start + 4))
        return withLength(frame[..<start] + generator.bytes(0...6) + frame[end...])
    }
}

/// Expects a ``PlanError`` of the code, and of the field when one is given.
func expect(
    _ code: PlanError.Code, field: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> some Any
) {
    let error = #expect(throws: PlanError.self, sourceLocation: sourceLocation) { _ = try body() }
    #expect(error?.code == code, sourceLocation: sourceLocation)
    if let field { #expect(error?.field == field, sourceLocation: sourceLocation) }
}
