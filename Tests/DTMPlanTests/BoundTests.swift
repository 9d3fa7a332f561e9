import DTMCore
import DTMPlan
import DTMSecrets
import Testing

@Suite struct BoundTests {
    private let tunnel = TunnelID(high: 1, low: 2)

    private func plan(_ change: (inout Plan) -> Void = { _ in }) -> ControlMessage {
        var plan = Plan(version: 1, trustDomain: "td", trustBundle: [], maximumConnections: 1, tunnels: [])
        change(&plan)
        return .plan(plan)
    }

    private func tunnelPlan(_ change: (inout TunnelPlan) -> Void) -> ControlMessage {
        var generator = MessageGenerator(seed: 50)
        var tunnel = generator.tunnelPlan()
        change(&tunnel)
        return plan { $0.tunnels = [tunnel] }
    }

    @Test("A plan that breaks a bound is refused by the one who would send it, and the field is named")
    func plans() throws {
        func refuses(_ code: PlanError.Code, _ field: String, _ message: ControlMessage) {
            expect(code, field: field) { try FrameCodec.encode(message) }
        }
        refuses(.size, "plan.trustDomain", plan { $0.trustDomain = "" })
        refuses(.size, "plan.trustDomain", plan { $0.trustDomain = String(repeating: "a", count: 256) })
        refuses(.size, "plan.trustBundle", plan { $0.trustBundle = Array(repeating: [1], count: 9) })
        refuses(.size, "plan.trustBundle.certificate", plan { $0.trustBundle = [[]] })
        refuses(
            .size, "plan.revokedIdentities.identity",
            plan { $0.revokedIdentities = [String(repeating: "a", count: 2_049)] })
        refuses(
            .size, "plan.tunnels.schedule.intervalMilliseconds", tunnelPlan { $0.schedule.intervalMilliseconds = 199 })
        refuses(.value, "plan.tunnels.schedule.skippedPorts", tunnelPlan { $0.schedule.skippedPorts = [2, 2] })
        refuses(.value, "plan.tunnels.schedule.skippedPorts", tunnelPlan { $0.schedule.skippedPorts = [2, 1] })
        refuses(.size, "plan.tunnels.target.endpoints", tunnelPlan { $0.target = .tcp([]) })
        refuses(
            .size, "plan.tunnels.target.endpoints.port",
            tunnelPlan { $0.target = .tcp([Endpoint(address: .v4(1), port: 0)]) })
        refuses(.text, "plan.tunnels.target.path", tunnelPlan { $0.target = .unix(path: "run/x") })
        refuses(.text, "plan.tunnels.target.path", tunnelPlan { $0.target = .unix(path: "/a\0b") })
        refuses(
            .size, "plan.tunnels.target.path",
            tunnelPlan { $0.target = .unix(path: "/" + String(repeating: "a", count: 107)) })
        refuses(
            .value, "plan.tunnels.schedule.highestPort",
            tunnelPlan {
                $0.schedule.lowestPort = 2
                $0.schedule.highestPort = 1
            })
        refuses(.size, "plan.verificationMilliseconds", plan { $0.verificationMilliseconds = 999 })
        refuses(.size, "plan.verificationMilliseconds", plan { $0.verificationMilliseconds = 3_600_001 })
        refuses(.size, "credential.chain", .credential(.listener(tunnel), chain: []))
        refuses(.size, "credential.chain.certificate", .credential(.listener(tunnel), chain: [[]]))
    }

    @Test("A plan names every tunnel once")
    func duplicateTunnels() {
        var generator = MessageGenerator(seed: 51)
        let tunnel = generator.tunnelPlan()
        expect(.value, field: "plan.tunnels") { try FrameCodec.encode(plan { $0.tunnels = [tunnel, tunnel] }) }
    }

    @Test("What the data plane reports has bounds, too")
    func reports() {
        let long = String(repeating: "a", count: 2_049)
        var generator = MessageGenerator(seed: 52)
        var flow = generator.flow()
        flow.identity = long
        expect(.size, field: "flow.identity") { try FrameCodec.encode(DataPlaneMessage.flow(flow)) }
        let listeners = Array(
            repeating: ListenerReport(endpoint: Endpoint(address: .v4(1), port: 1), role: .live), count: 2_049)
        expect(.size, field: "listeners") {
            try FrameCodec.encode(DataPlaneMessage.listeners(tunnel: tunnel, listeners))
        }
        expect(.size, field: "verified") {
            try FrameCodec.encode(DataPlaneMessage.verified(Array(repeating: "", count: 65)))
        }
        expect(.value, field: "hello.memory") {
            try FrameCodec.decode(
                DataPlaneMessage.self,
                from: [0, 0, 0, 11, 129, 0, UInt8(PlanProtocol.version), 0, 0, 0, 1, 3, 0, 0, 0, 0])
        }
        expect(.size, field: "certificateRequest.der") {
            try FrameCodec.encode(DataPlaneMessage.certificateRequest(.probe(tunnel), der: []))
        }
    }

    @Test("A plan of more than 4 MiB is refused, also when every field keeps its bound")
    func wholeFrame() {
        let identities = Array(repeating: String(repeating: "a", count: 2_048), count: 2_100)
        expect(.size, field: "length") { try FrameCodec.encode(plan { $0.revokedIdentities = identities }) }
    }

    @Test("A length over the direction's limit is refused before anything else is looked at")
    func lengths() {
        expect(.size, field: "length") { try FrameCodec.decode(ControlMessage.self, from: [0, 0x40, 0, 1, 2]) }
        expect(.size, field: "length") { try FrameCodec.decode(DataPlaneMessage.self, from: [0, 1, 0, 1, 136]) }
        expect(.size, field: "length") {
            try FrameCodec.decode(DataPlaneMessage.self, from: [255, 255, 255, 255, 136])
        }
    }

    @Test("A count is believed only when its entries can all be there")
    func counts() {
        // A plan: version, trust domain "a", then 8 authorities in no bytes at all.
        let payload: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x61, 0, 8]
        expect(.truncated, field: "plan.trustBundle") {
            try FrameCodec.decode(ControlMessage.self, from: [0, 0, 0, UInt8(payload.count), 2] + payload)
        }
    }

    @Test("The types of one direction are unknown in the other")
    func types() throws {
        var generator = MessageGenerator(seed: 53)
        for message in generator.controlMessages() {
            expect(.type, field: "type") {
                try FrameCodec.decode(DataPlaneMessage.self, from: FrameCodec.encode(message))
            }
        }
        for message in generator.dataPlaneMessages() {
            expect(.type, field: "type") {
                try FrameCodec.decode(ControlMessage.self, from: FrameCodec.encode(message))
            }
        }
    }

    @Test("Text that is not UTF-8 is refused")
    func text() {
        let payload: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0xc3, 0x28] + [UInt8](repeating: 0, count: 12)
        expect(.text, field: "plan.trustDomain") {
            try FrameCodec.decode(ControlMessage.self, from: [0, 0, 0, UInt8(payload.count), 2] + payload)
        }
    }

    @Test("Another version is refused by an error that names both, whatever follows it in the frame")
    func version() {
        for rest in [[], [1], [UInt8](repeating: 9, count: 40)] as [[UInt8]] {
            let frame = [0, 0, 0, UInt8(2 + rest.count), 129, 0, 7] + rest
            let error = #expect(throws: PlanError.self) { try FrameCodec.decode(DataPlaneMessage.self, from: frame) }
            #expect(error?.code == .version)
            #expect(
                error?.message.contains("version 7") == true
                    && error?.message.contains("version \(PlanProtocol.version)") == true)
            #expect(error?.hint != nil)
        }
    }

    @Test("A window key has no form in ordinary bytes, in neither direction")
    func windowKeys() throws {
        let key = SharedSecret(try SecretBytes(randomCount: 32))
        expect(.secret) { try FrameCodec.encode(ControlMessage.windowKey(tunnel: tunnel, window: 1, key: key)) }
        expect(.secret) {
            try FrameCodec.decode(ControlMessage.self, from: [0, 0, 0, 56, 3] + [UInt8](repeating: 1, count: 56))
        }
    }
}
