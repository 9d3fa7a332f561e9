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

    /// Where the tunnel can be at `now` by the schedule, the likeliest first: ``ScheduleSearch``, as far as the window
    /// keys go.
    public func candidates(at now: Timestamp) -> [Endpoint] {
        let steps = ScheduleSearch.steps(epoch: schedule.epoch(at: now), generation: publishedTurn.generation)
        return steps.flatMap { step -> [Endpoint] in
            guard let key = windowKeys[schedule.window(of: step.turn.epoch)] else { return [] }
            return schedule.candidates(
                turn: step.turn, windowKey: key.bytes, first: step.candidates.lowerBound, limit: step.candidates.count)
        }
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
