import DTMTestSupport
import DTMCertificates
import DTMCore
import DTMPlan
import DTMSecrets
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import DTMDataPlane

/// A control of the tests' own at one end of a real link, and the data plane's serving at the other: it issues
/// certificates and window keys as it is asked, and keeps all that it is told.
final class FakeControl {
    /// What it has been told so far.
    struct Heard: Sendable {
        var messages: [DataPlaneMessage] = []
        var requests: [(CredentialSubject, Timestamp)] = []
        var hasEnded = false
    }

    /// How it answers. May be changed while the data plane serves.
    struct Manner: Sendable {
        var leafLifetime = Duration.seconds(3_600)
        var issues = true
        var givesKeys = true
    }

    let clock = AnchoredClock()
    let authority: Authority
    let link: ControlEnd
    let heard = NIOLockedValueBox(Heard())
    let manner = NIOLockedValueBox(Manner())
    private let root: SharedSecret
    private let group: MultiThreadedEventLoopGroup
    private let serving: EventLoopFuture<CInt>
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private var version: UInt64 = 0

    init() throws {
        authority = try Authority(
            trustDomain: Authority.randomTrustDomain(), lifetime: .seconds(2_592_000), now: clock.now() - .seconds(60))
        root = SharedSecret(try SecretBytes(randomCount: 32))
        group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        var ends: [CInt] = [0, 0]
        let outcome = socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends)
        try #require(outcome == 0)
        link = try ControlEnd(adopting: ends[0])
        let other = try DataPlaneEnd(adopting: ends[1])
        pool.start()
        let serveGroup = group
        serving = pool.runIfActive(eventLoop: MultiThreadedEventLoopGroup.singleton.any()) {
            DataPlaneProcess.serve(other, serveGroup)
        }
        try link.send(.hello(ControlHello(protocolVersion: PlanProtocol.version, anchor: clock.anchor)))
        try listen()
    }

    private func listen() throws {
        let answer = answer
        let heard = heard
        try link.start(
            onMessage: { message in
                heard.withLockedValue { $0.messages.append(message) }
                answer(message)
            }, onEnd: { _ in heard.withLockedValue { $0.hasEnded = true } })
    }

    private var answer: @Sendable (DataPlaneMessage) -> Void {
        let (authority, clock, manner, heard, root) = (authority, clock, manner, heard, root)
        // It belongs to the link, which must not be kept by its own reading thread.
        weak let link = self.link
        return { message in
            switch message {
            case .certificateRequest(let subject, let request):
                heard.withLockedValue { $0.requests.append((subject, clock.now())) }
                guard manner.withLockedValue({ $0.issues }),
                    let identity = Self.identity(of: subject, in: authority.trustDomain),
                    let leaf = try? authority.issue(
                        request: request, identity: identity, lifetime: manner.withLockedValue { $0.leafLifetime },
                        now: clock.now())
                else { return }
                try? link?.send(.credential(subject, chain: leaf.chain))
            case .windowKeyWanted(let tunnel, let window):
                guard manner.withLockedValue({ $0.givesKeys }),
                    let key = try? WindowKeys.derive(root: root.bytes, tunnel: tunnel, window: window)
                else { return }
                try? link?.send(.windowKey(tunnel: tunnel, window: window, key: SharedSecret(key)))
            default: break
            }
        }
    }

    private static func identity(of subject: CredentialSubject, in trustDomain: String) -> SPIFFEID? {
        switch subject {
        case .listener(let tunnel): .tunnel(tunnel, in: trustDomain)
        case .probe(let tunnel): .client(of: tunnel, who: "probe", in: trustDomain)
        }
    }

    /// The data plane's exit status, after the link has ended.
    func end() throws -> CInt {
        link.close()
        let status = try serving.wait()
        try group.syncShutdownGracefully()
        pool.shutdownGracefully { _ in }
        return status
    }

    /// The exit status of a data plane that ends by itself.
    func waitForEnd() throws -> CInt { try serving.wait() }
}

extension FakeControl {
    /// Sends the whole desired state.
    func plan(
        _ tunnels: [TunnelPlan], serials: [SerialNumber] = [], identities: [String] = [], throttled: [String] = [],
        bundle: [[UInt8]]? = nil,
        leafLifetime: UInt32 = 3_600, connections: UInt32 = 1_000
    ) throws {
        version += 1
        try link.send(
            .plan(
                Plan(
                    version: version, trustDomain: authority.trustDomain,
                    trustBundle: bundle ?? [authority.certificateDER],
                    revokedSerials: serials, revokedIdentities: identities, throttledIdentities: throttled,
                    maximumLeafLifetimeSeconds: leafLifetime,
                    maximumConnections: connections, tunnels: tunnels)))
    }

    /// Gives the key of the current window and of the next one, of the root or of another one.
    func giveKeys(_ tunnel: TunnelPlan, root other: SharedSecret? = nil) throws {
        let needed = ScheduleWindow.needed(at: clock.now(), intervalMilliseconds: tunnel.schedule.intervalMilliseconds)
        for window in [needed.current, needed.next] { try giveKey(tunnel.id, window, other) }
    }

    func giveKey(_ tunnel: TunnelID, _ window: UInt64, _ other: SharedSecret? = nil) throws {
        let key = try WindowKeys.derive(root: (other ?? root).bytes, tunnel: tunnel, window: window)
        try link.send(.windowKey(tunnel: tunnel, window: window, key: SharedSecret(key)))
    }

    func windowKey(_ tunnel: TunnelID, _ window: UInt64) throws -> SharedSecret {
        SharedSecret(try WindowKeys.derive(root: root.bytes, tunnel: tunnel, window: window))
    }

    // MARK: What was heard

    var messages: [DataPlaneMessage] { heard.withLockedValue { $0.messages } }

    func rotations(of tunnel: TunnelID) -> [RotationReport] {
        messages.compactMap { if case .rotated(let report) = $0, report.tunnel == tunnel { report } else { nil } }
    }

    var failures: [RotationFailure] {
        messages.compactMap { if case .rotationFailed(let failure) = $0 { failure } else { nil } }
    }
    var incidents: [Incident] { messages.compactMap { if case .incident(let incident) = $0 { incident } else { nil } } }
    var flows: [FlowRecord] { messages.compactMap { if case .flow(let flow) = $0 { flow } else { nil } } }
    var appliedVersions: [UInt64] {
        messages.compactMap { if case .planApplied(let version) = $0 { version } else { nil } }
    }

    func listeners(of tunnel: TunnelID) -> [ListenerReport] {
        messages.reversed().lazy.compactMap { message -> [ListenerReport]? in
            if case .listeners(tunnel, let reports) = message { reports } else { nil }
        }.first ?? []
    }

    /// The endpoint that is live, once there is one.
    func live(_ tunnel: TunnelID) throws -> Endpoint {
        let isThere = eventually(.seconds(10)) { !self.rotations(of: tunnel).isEmpty }
        try #require(isThere, "\(failures)")
        return try #require(rotations(of: tunnel).last?.endpoint)
    }
}

/// A tunnel as plans have it. By itself it rotates once an hour: hardly ever in a test.
func samplePlan(
    target: Endpoint, intervalMilliseconds: UInt32 = 3_600_000, overlapMilliseconds: UInt32 = 500,
    ports: ClosedRange<UInt16> = 5_000...6_000, addresses: AddressMode = .hop, generation: UInt32 = 0
) -> TunnelPlan {
    TunnelPlan(
        id: .random(),
        schedule: ScheduleParameters(
            intervalMilliseconds: intervalMilliseconds, lowestPort: ports.lowerBound, highestPort: ports.upperBound,
            skippedPorts: [], addressMode: addresses),
        overlapMilliseconds: overlapMilliseconds, generation: generation, target: .tcp([target]), proxyProtocol: false,
        limits: TunnelLimits(
            maximumConnections: 1_000, handshakeTimeoutMilliseconds: 5_000, connectTimeoutMilliseconds: 2_000,
            idleTimeoutMilliseconds: 0, maximumAgeMilliseconds: 0))
}
