import DTMTestSupport
import DTMCore
import DTMPlan
import DTMSecrets
import Testing

@Suite struct RoundTripTests {
    @Test("Every message of the data plane comes back as it was")
    func dataPlane() throws {
        var generator = MessageGenerator(seed: 10)
        for _ in SeededGenerator.rounds(500) {
            for message in generator.dataPlaneMessages() {
                let frame = try FrameCodec.encode(message)
                #expect(try FrameCodec.decode(DataPlaneMessage.self, from: frame) == message)
            }
        }
    }

    @Test("Every message of control comes back as it was")
    func control() throws {
        var generator = MessageGenerator(seed: 11)
        for _ in SeededGenerator.rounds(500) {
            for message in generator.controlMessages() {
                let frame = try FrameCodec.encode(message)
                let decoded = try FrameCodec.decode(ControlMessage.self, from: frame)
                #expect(try FrameCodec.encode(decoded) == frame)
                if case .plan(let sent) = message, case .plan(let received) = decoded { #expect(sent == received) }
            }
        }
    }

    @Test("Every type of frame is among those that are tested, but for the window key's")
    func everyType() throws {
        var generator = MessageGenerator(seed: 13)
        let control = try Set(generator.controlMessages().map { try FrameCodec.encode($0)[4] })
        let dataPlane = try Set(generator.dataPlaneMessages().map { try FrameCodec.encode($0)[4] })
        for type in UInt8.min ... .max {
            #expect(control.contains(type) == (ControlMessage.secretBytes(inFrameOfType: type) == 0))
            #expect(dataPlane.contains(type) == (DataPlaneMessage.secretBytes(inFrameOfType: type) == 0))
        }
    }

    @Test("A frame looks as it is documented")
    func goldenFrames() throws {
        let hello = DataPlaneMessage.hello(
            DataPlaneHello(protocolVersion: 1, pid: 258, memory: MemoryReport(backing: .locked, refusalCode: 38)))
        #expect(try FrameCodec.encode(hello) == [0, 0, 0, 11, 129, 0, 1, 0, 0, 1, 2, 2, 0, 0, 0, 38])
        let verified = DataPlaneMessage.verified(["no"])
        #expect(try FrameCodec.encode(verified) == [0, 0, 0, 6, 141, 0, 1, 0, 2, 0x6e, 0x6f])
        #expect(try FrameCodec.encode(ControlMessage.drain(milliseconds: 10_000)) == [0, 0, 0, 4, 5, 0, 0, 0x27, 0x10])
        #expect(try FrameCodec.encode(DataPlaneMessage.drained) == [0, 0, 0, 0, 139])
        let credential = ControlMessage.credential(.probe(TunnelID(high: 1, low: 2)), chain: [[0x30]])
        let expected: [UInt8] = [
            0, 0, 0, 22, 4, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 1, 0x30,
        ]
        #expect(try FrameCodec.encode(credential) == expected)
    }

    @Test("The largest plan that its bounds allow for one tunnel fits a frame")
    func largeSchedule() throws {
        var generator = MessageGenerator(seed: 12)
        var tunnel = generator.tunnelPlan()
        tunnel.schedule.skippedPorts = Array(0..<UInt16(PlanBounds.skippedPorts.allowed.upperBound))
        let plan = Plan(
            version: 1, trustDomain: "td", trustBundle: [], revokedSerials: [], maximumConnections: 1, tunnels: [tunnel]
        )
        guard
            case .plan(let received) = try FrameCodec.decode(
                ControlMessage.self, from: FrameCodec.encode(ControlMessage.plan(plan)))
        else { throw PlanTestError.unexpectedMessage }
        #expect(received == plan)
    }

    @Test("A reason that is too long is cut between characters and does not cost the incident")
    func cutsReasons() throws {
        for padding in 0..<4 {
            let reason = String(repeating: "x", count: padding) + String(repeating: "漢", count: 400)
            let incident = Incident(tunnel: nil, kind: .decoyTouched, at: Timestamp(seconds: 0), reason: reason)
            let frame = try FrameCodec.encode(DataPlaneMessage.incident(incident))
            guard case .incident(let received) = try FrameCodec.decode(DataPlaneMessage.self, from: frame) else {
                throw PlanTestError.unexpectedMessage
            }
            #expect(reason.hasPrefix(received.reason))
            #expect((1_022...1_024).contains(received.reason.utf8.count))
        }
    }
}

enum PlanTestError: Error { case unexpectedMessage, noSocket }
