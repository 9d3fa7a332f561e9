import DTMTestSupport
import DTMCertificates
import DTMCore
import DTMPlan
import DTMSecrets
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import DTMDataPlane
@testable import DTMTunnel

/// A ``PlanExecutor`` whose inside a test can look into, and one tunnel. The test answers what it asks for, on its own
/// thread.
final class Workbench {
    let clock = AnchoredClock()
    let authority: Authority
    let executor: PlanExecutor
    private(set) var plan = samplePlan(target: Endpoint(address: .v4(0x7f00_0001), port: 9))
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let control: ControlEnd
    private let messages = NIOLockedValueBox<[DataPlaneMessage]>([])
    private let root: SharedSecret
    private var handled = 0
    private var version: UInt64 = 0

    init() throws {
        authority = try Authority(
            trustDomain: Authority.randomTrustDomain(), lifetime: .seconds(86_400), now: clock.now())
        root = SharedSecret(try SecretBytes(randomCount: 32))
        var ends: [CInt] = [0, 0]
        let outcome = socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends)
        try #require(outcome == 0)
        control = try ControlEnd(adopting: ends[0])
        let reporter = Reporter(link: try DataPlaneEnd(adopting: ends[1]))
        executor = PlanExecutor(group: group, reporter: reporter)
        reporter.send(
            .hello(DataPlaneHello(protocolVersion: PlanProtocol.version, pid: 1, memory: .init(backing: .secret))))
        let messages = messages
        try control.start(
            onMessage: { message in messages.withLockedValue { $0.append(message) } }, onEnd: { _ in })
        executor.greet(ControlHello(protocolVersion: PlanProtocol.version, anchor: clock.anchor))
        try apply()
        try settle { rotations == 1 }
    }

    func close() throws {
        executor.shutDown()
        control.close()
        try group.syncShutdownGracefully()
    }

    /// Applies the plan, as it is or changed.
    func apply(revoking serials: [SerialNumber] = [], _ change: (inout TunnelPlan) -> Void = { _ in }) throws {
        change(&plan)
        version += 1
        executor.apply(
            Plan(
                version: version, trustDomain: authority.trustDomain, trustBundle: [authority.certificateDER],
                revokedSerials: serials, maximumConnections: 100, tunnels: [plan]))
    }

    /// A plan without the tunnel.
    func remove() {
        version += 1
        executor.apply(
            Plan(
                version: version, trustDomain: authority.trustDomain, trustBundle: [authority.certificateDER],
                maximumConnections: 100, tunnels: []))
    }

    /// Answers what is asked for until the condition holds.
    func settle(_ condition: () throws -> Bool) throws {
        let holds = try eventually {
            for message in next() { try answer(message) }
            return try condition()
        }
        try #require(holds)
    }

    var rotations: Int { heard { if case .rotated = $0 { true } else { false } } }
    var failures: [RotationFailure] {
        messages.withLockedValue {
            $0.compactMap { if case .rotationFailed(let failure) = $0 { failure } else { nil } }
        }
    }

    var incidents: [Incident] {
        messages.withLockedValue { $0.compactMap { if case .incident(let incident) = $0 { incident } else { nil } } }
    }

    /// Runs on the tunnel's event loop.
    func inside<Result: Sendable>(_ body: @escaping @Sendable (TunnelRuntime) throws -> Result) throws -> Result {
        let tunnel = try #require(executor.tunnels[plan.id])
        return try tunnel.eventLoop.submit { try body(tunnel.value) }.wait()
    }

    /// Which TLS context new connections get.
    func context() throws -> ObjectIdentifier? { try inside { $0.server.current.context.map(ObjectIdentifier.init) } }

    private func heard(_ applies: (DataPlaneMessage) -> Bool) -> Int {
        messages.withLockedValue { $0.filter(applies).count }
    }

    private func next() -> [DataPlaneMessage] {
        let all = messages.withLockedValue { $0 }
        defer { handled = all.count }
        return Array(all[handled...])
    }

    private func answer(_ message: DataPlaneMessage) throws {
        switch message {
        case .certificateRequest(let subject, let request):
            let identity: SPIFFEID? =
                switch subject {
                case .listener(let id): .tunnel(id, in: authority.trustDomain)
                case .probe(let id): .client(of: id, who: "probe", in: authority.trustDomain)
                }
            let leaf = try authority.issue(
                request: request, identity: try #require(identity), lifetime: .seconds(3_600), now: clock.now())
            executor.adopt(chain: leaf.chain, for: subject)
        case .windowKeyWanted(let tunnel, let window):
            let key = try WindowKeys.derive(root: root.bytes, tunnel: tunnel, window: window)
            executor.adopt(SharedSecret(key), of: window, for: tunnel)
        default: break
        }
    }
}
