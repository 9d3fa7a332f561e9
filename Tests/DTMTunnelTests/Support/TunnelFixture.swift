import DTMCore
import DTMSecrets
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import DTMTunnel

/// What a tunnel reported.
final class RecordingObserver: TunnelObserver, ConnectorObserver {
    struct Record: Sendable {
        var incidents: [Incident] = []
        var starts: [FlowStart] = []
        var flows: [FlowRecord] = []
        var failures: [String] = []
    }

    private let record = NIOLockedValueBox(Record())

    var current: Record { record.withLockedValue { $0 } }
    func incident(_ incident: Incident) { record.withLockedValue { $0.incidents.append(incident) } }
    func flowBegan(_ flow: FlowStart) { record.withLockedValue { $0.starts.append(flow) } }
    func flowEnded(_ flow: FlowRecord) { record.withLockedValue { $0.flows.append(flow) } }
    func connectionFailed(_ error: any Error) { record.withLockedValue { $0.failures.append("\(error)") } }
    func callerRefused(_ reason: String) { record.withLockedValue { $0.failures.append(reason) } }
    func acceptingIsPaused(_ isPaused: Bool) {}
    func has(_ kind: Incident.Kind) -> Bool { current.incidents.contains { $0.kind == kind } }
}

/// What a connector knows, set by the test.
final class FixedKnowledge: KnowledgeSource {
    let box = NIOLockedValueBox<ConnectorKnowledge?>(nil)
    let squatters = NIOLockedValueBox<[Endpoint]>([])
    let rejections = NIOLockedValueBox(0)

    var knowledge: ConnectorKnowledge? { box.withLockedValue { $0 } }
    func identityWasNotAccepted() { rejections.withLockedValue { $0 += 1 } }
    func squatterFound(at endpoint: Endpoint, reason: String) { squatters.withLockedValue { $0.append(endpoint) } }
}

/// A tunnel with one live listener, and a connector to it, on event loops of their own.
final class TunnelFixture {
    let group: MultiThreadedEventLoopGroup
    let authority: TestAuthority
    let tunnel = TunnelID.random()
    let observer = RecordingObserver()
    let source = FixedKnowledge()
    let sessions: SessionRegistry
    let server: TunnelServer
    let schedule: EndpointSchedule
    let windowKey: SharedSecret
    private(set) var endpoint: Endpoint
    private(set) var listener: NIOLoopBound<TunnelListener>
    private(set) var connector: Endpoint
    private var channels: [any Channel] = []

    /// - Parameter change: applied to the tunnel's settings before it listens.
    static func make(
        target: DialTarget, threads: Int = 2,
        dialLimits: DialLimits = .init(overall: .seconds(5), attempt: .seconds(2)),
        maximumConnections: Int = 20_000, change: (inout TunnelServer.Settings) -> Void = { _ in }
    ) async throws -> TunnelFixture {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let authority = try TestAuthority()
        return try await TunnelFixture(group, authority, target, dialLimits, maximumConnections, change)
    }

    private init(
        _ group: MultiThreadedEventLoopGroup, _ authority: TestAuthority, _ target: DialTarget,
        _ dialLimits: DialLimits,
        _ maximumConnections: Int, _ change: (inout TunnelServer.Settings) -> Void
    ) async throws {
        self.group = group
        self.authority = authority
        sessions = SessionRegistry(group: group, maximumConnections: maximumConnections)
        let credential = try authority.credential(try authority.listenerIdentity(tunnel))
        var settings = TunnelServer.Settings(
            context: try TunnelTLS.serverContext(credential), authenticator: authority.authenticator(), target: target,
            proxyProtocol: false, maximumConnections: 10_000, handshakeTimeout: .seconds(10),
            connectTimeout: .seconds(2),
            idleTimeout: nil, maximumAge: nil)
        change(&settings)
        server = TunnelServer(
            id: tunnel, probeIdentity: try authority.clientIdentity(tunnel, who: "probe"), settings: settings,
            dialer: DirectDialer(), observer: observer, time: authority.time, owners: SocketOwners())
        schedule = try EndpointSchedule(
            parameters: ScheduleParameters(
                intervalMilliseconds: 3_600_000, lowestPort: 5_000, highestPort: 6_000, skippedPorts: [],
                addressMode: .hop))
        windowKey = SharedSecret(try SecretBytes(randomCount: 32))
        endpoint = Self.freshEndpoint()
        listener = try await Self.listen(endpoint, server, sessions, group)
        connector = endpoint
        // Whoever is accepted before that has come to a decoy.
        try await listener.eventLoop.submit { [listener] in listener.value.role = .live }.get()
        try publish(endpoint)
        let connecting = ConnectorListener(
            source: source, observer: observer, callers: nil, limits: dialLimits, time: authority.time, group: group)
        let channel = try await connecting.listen(on: Endpoint(address: .v4(0x7f00_0001), port: 0)).get()
        channels.append(channel)
        connector = try #require(Endpoint(channel.localAddress))
    }

    /// Says where the tunnel is, as control would, with an identity that is in order unless another is given.
    func publish(_ endpoint: Endpoint?, credential: TunnelCredential? = nil, windowKeys: [UInt64: SharedSecret] = [:])
        throws
    {
        let own = try credential ?? authority.credential(try authority.clientIdentity(tunnel))
        let knowledge = ConnectorKnowledge(
            context: try TunnelTLS.clientContext(own), authenticator: authority.authenticator(),
            serverIdentity: try authority.listenerIdentity(tunnel), published: endpoint,
            publishedTurn: ScheduleTurn(epoch: schedule.epoch(at: authority.time.now()), generation: 0),
            schedule: schedule,
            windowKeys: windowKeys)
        source.box.withLockedValue { $0 = knowledge }
    }

    /// Opens another listener of the same tunnel, in the role given.
    func open(_ endpoint: Endpoint, role: ListenerRole) async throws -> NIOLoopBound<TunnelListener> {
        let listener = try await Self.listen(endpoint, server, sessions, group)
        try await listener.eventLoop.submit { listener.value.role = role }.get()
        return listener
    }

    func setRole(_ role: ListenerRole) async throws {
        try await listener.eventLoop.submit { [listener] in listener.value.role = role }.get()
    }

    func close() async {
        for channel in channels { try? await channel.close().get() }
        sessions.cutAll(.shutdown)
        sessions.shutDown()
        try? await listener.eventLoop.flatSubmit { [listener] in listener.value.close() }.get()
        try? await group.shutdownGracefully()
    }

    /// An address and a port that no other test has.
    static func freshEndpoint() -> Endpoint {
        Endpoint(address: .v4(0x7f00_0000 + UInt32.random(in: 256..<(1 << 24) - 1)), port: .random(in: 5_000...6_000))
    }

    private static func listen(
        _ endpoint: Endpoint, _ server: TunnelServer, _ sessions: SessionRegistry, _ group: MultiThreadedEventLoopGroup
    ) async throws -> NIOLoopBound<TunnelListener> {
        try await TunnelListener.open(endpoint, for: server, sessions: sessions, group: group, on: group.next()).get()
    }
}
