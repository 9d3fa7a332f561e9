public import DTMCore
public import DTMSecrets
public import NIOSSL

/// What a connector knows of its tunnel at one moment.
public struct ConnectorKnowledge: Sendable {
    /// Carries the connector's own certificate.
    public var context: NIOSSLContext
    public var authenticator: any PeerAuthenticator
    /// The SPIFFE ID that the server must show.
    public var serverIdentity: SPIFFEID
    /// The live endpoint as control said last, and its turn.
    public var published: Endpoint?
    public var publishedTurn: ScheduleTurn
    public var schedule: EndpointSchedule
    /// By window index; the current and the next.
    public var windowKeys: [UInt64: SharedSecret]

    public init(
        context: NIOSSLContext, authenticator: any PeerAuthenticator, serverIdentity: SPIFFEID, published: Endpoint?,
        publishedTurn: ScheduleTurn, schedule: EndpointSchedule, windowKeys: [UInt64: SharedSecret]
    ) {
        self.context = context
        self.authenticator = authenticator
        self.serverIdentity = serverIdentity
        self.published = published
        self.publishedTurn = publishedTurn
        self.schedule = schedule
        self.windowKeys = windowKeys
    }

    /// Where the tunnel can be at `now`, the likeliest first, each once: what control published; by the schedule, this epoch's
    /// candidates, the previous one's (it still serves during the overlap), the next generation's (rotations may have been forced
    /// since), and the next epoch's.
    public func candidates(at now: Timestamp) -> [Endpoint] {
        let interval = UInt64(schedule.parameters.intervalMilliseconds)
        let epoch = UInt64(max(0, now.milliseconds)) / max(1, interval)
        let generation = publishedTurn.generation
        var list: [Endpoint] = []
        var seen: Set<Endpoint> = []
        func add(_ endpoint: Endpoint) { if seen.insert(endpoint).inserted { list.append(endpoint) } }
        func add(_ epoch: UInt64, _ generation: UInt32, _ limit: Int) {
            let window = ScheduleWindow.index(of: epoch, intervalMilliseconds: schedule.parameters.intervalMilliseconds)
            guard let key = windowKeys[window] else { return }
            let turn = ScheduleTurn(epoch: epoch, generation: generation)
            for endpoint in schedule.candidates(turn: turn, windowKey: key.bytes, limit: limit) { add(endpoint) }
        }
        if let published { add(published) }
        add(epoch, generation, 4)
        if epoch > 0 { add(epoch - 1, generation, 2) }
        add(epoch, generation &+ 1, 2)
        add(epoch + 1, generation, 1)
        return list
    }
}

/// Where a connector's knowledge comes from, and whom it tells what it met. Called on event loops: it must not block.
public protocol KnowledgeSource: Sendable {
    /// Nil until the first identity came.
    var knowledge: ConnectorKnowledge? { get }
    /// The server did not accept our certificate: another one is needed.
    func identityWasNotAccepted()
    /// Something that is not the tunnel answered where it should be.
    func squatterFound(at endpoint: Endpoint, reason: String)
}
