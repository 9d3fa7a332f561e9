import DTMCertificates
import DTMCore
import DTMPlan
import DTMSecrets
import Synchronization

/// Plays the data plane at the other end of a link: opens nothing, and reports what a real one would.
final class FakeDataPlane: Sendable {
    struct State {
        var plans: [Plan] = []
        var keys: [TunnelID: [UInt64: SharedSecret]] = [:]
        var chains: [CredentialSubject: Int] = [:]
        var generations: [TunnelID: UInt32] = [:]
        var drainMilliseconds: UInt32?
        /// Tunnels that can't bind any port.
        var failsToBind = false
    }

    private let link: DataPlaneEnd
    private let state = Mutex(State())
    let pid: Int32

    /// Takes over one end of a stream pair and says hello.
    init(
        adopting descriptor: CInt, pid: Int32 = 4_242, failsToBind: Bool = false,
        memory: MemoryReport = MemoryReport(backing: .secret)
    ) throws {
        self.pid = pid
        link = try DataPlaneEnd(adopting: descriptor)
        state.withLock { $0.failsToBind = failsToBind }
        try link.send(.hello(DataPlaneHello(protocolVersion: PlanProtocol.version, pid: pid, memory: memory)))
        try link.start(onMessage: { [weak self] in self?.take($0) }, onEnd: { _ in })
    }

    func read<Value>(_ body: (borrowing State) -> Value) -> Value { state.withLock { body($0) } }

    func report(_ message: DataPlaneMessage) throws { try link.send(message) }

    /// Dies without a word.
    func die() { link.close() }

    private func take(_ message: ControlMessage) {
        switch message {
        case .hello: break
        case .plan(let plan): apply(plan)
        case .windowKey(let tunnel, let window, let key): state.withLock { $0.keys[tunnel, default: [:]][window] = key }
        case .credential(let subject, _): state.withLock { $0.chains[subject, default: 0] += 1 }
        case .renew(let subject): request(subject)
        case .drain(let milliseconds):
            state.withLock { $0.drainMilliseconds = milliseconds }
            try? link.send(.drained)
        }
    }

    private func apply(_ plan: Plan) {
        let known = state.withLock { state in
            state.plans.append(plan)
            return state.generations
        }
        for tunnel in plan.tunnels {
            if known[tunnel.id] == nil {
                request(.listener(tunnel.id))
                request(.probe(tunnel.id))
            }
            guard known[tunnel.id] != tunnel.generation else { continue }
            turn(tunnel, isFirst: known[tunnel.id] == nil)
        }
        try? link.send(.planApplied(version: plan.version))
    }

    private func turn(_ tunnel: TunnelPlan, isFirst: Bool) {
        state.withLock { $0.generations[tunnel.id] = tunnel.generation }
        let turn = ScheduleTurn(epoch: 179_000_000, generation: tunnel.generation)
        guard !state.withLock({ $0.failsToBind }) else {
            try? link.send(
                .rotationFailed(
                    RotationFailure(tunnel: tunnel.id, turn: turn, step: "bind", reason: "every port is taken")))
            return
        }
        let endpoint = Self.endpoint(tunnel.generation)
        try? link.send(
            .rotated(
                RotationReport(
                    tunnel: tunnel.id, turn: turn, endpoint: endpoint, candidate: 0,
                    previous: isFirst ? nil : Self.endpoint(tunnel.generation &- 1),
                    nextAt: Timestamp(seconds: 1_790_000_010),
                    switchMicroseconds: 700, handshakeMicroseconds: 300)))
        try? link.send(.listeners(tunnel: tunnel.id, [ListenerReport(endpoint: endpoint, role: .live)]))
    }

    private func request(_ subject: CredentialSubject) {
        guard let request = try? LeafKey().certificateRequest() else { return }
        try? link.send(.certificateRequest(subject, der: request))
    }

    static func endpoint(_ generation: UInt32) -> Endpoint {
        Endpoint(address: .v4(0x7f01_0203), port: 5_100 + UInt16(truncatingIfNeeded: generation))
    }
}
