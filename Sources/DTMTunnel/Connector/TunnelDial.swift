import DTMCore
public import NIOCore

/// How a connector behaves while it looks for its tunnel.
public struct DialLimits: Hashable, Sendable {
    /// For one connection of the application, over all attempts.
    public var overall: TimeAmount
    /// For one attempt, the handshake and the server's connection to the target included.
    public var attempt: TimeAmount

    public init(overall: TimeAmount = .seconds(15), attempt: TimeAmount = .seconds(6)) {
        self.overall = overall
        self.attempt = attempt
    }
}

/// A connection to the target, through the tunnel.
struct DialedTunnel {
    let channel: any Channel
    /// What the server sent right after its status frame.
    let early: ByteBuffer
}

/// Finds the tunnel's live endpoint for one connection: candidate after candidate without a pause, then again with
/// whatever is known by then, until the time is up. Nothing of the application's is sent before the server accepts, so
/// trying again is safe.
///
/// Belongs to its event loop.
final class TunnelDial {
    private let source: any KnowledgeSource
    private let limits: DialLimits
    private let time: any TimeSource
    private let loop: any EventLoop
    private let deadline: NIODeadline
    private let promise: EventLoopPromise<NIOLoopBound<DialedTunnel>>
    private var queue: [Endpoint] = []
    private var tried: Set<Endpoint> = []
    private var moves = 0
    private var hasSearched = false
    private var pause = TimeAmount.milliseconds(10)
    private var lastFailure: TunnelError?

    private static let longestPause = TimeAmount.milliseconds(200)
    /// How many times in one round a server may send us elsewhere.
    private static let mostMoves = 8

    static func run(
        _ source: any KnowledgeSource, limits: DialLimits, time: any TimeSource, on loop: any EventLoop
    ) -> EventLoopFuture<NIOLoopBound<DialedTunnel>> {
        let dial = TunnelDial(source, limits, time, loop)
        dial.beginRound()
        return dial.promise.futureResult
    }

    private init(_ source: any KnowledgeSource, _ limits: DialLimits, _ time: any TimeSource, _ loop: any EventLoop) {
        self.source = source
        self.limits = limits
        self.time = time
        self.loop = loop
        deadline = .now() + limits.overall
        promise = loop.makePromise()
    }

    private func beginRound() {
        queue = [source.knowledge?.published].compactMap { $0 }
        tried = []
        moves = 0
        hasSearched = false
        next()
    }

    /// The schedule is asked only when the endpoint that control published does not accept: that is rare, and this is
    /// the way of every connection.
    private func search(by knowledge: ConnectorKnowledge) {
        guard !hasSearched, queue.isEmpty else { return }
        hasSearched = true
        queue = knowledge.candidates(at: time.now())
    }

    private func next() {
        guard let knowledge = source.knowledge else {
            waitForNews()
            return
        }
        search(by: knowledge)
        guard let endpoint = queue.first else {
            waitForNews()
            return
        }
        queue.removeFirst()
        guard tried.insert(endpoint).inserted else {
            next()
            return
        }
        let remaining = deadline - .now()
        guard remaining > .zero else {
            giveUp()
            return
        }
        EndpointAttempt.run(
            endpoint, context: knowledge.context, authenticator: knowledge.authenticator,
            identity: knowledge.serverIdentity, timeout: min(limits.attempt, remaining), on: loop
        )
        .assumeIsolated()
        .whenSuccess { self.take($0, from: endpoint) }
    }

    private func take(_ outcome: AttemptOutcome, from endpoint: Endpoint) {
        switch outcome {
        case .accepted(let channel, let early):
            promise.succeed(NIOLoopBound(DialedTunnel(channel: channel, early: early), eventLoop: loop))
        case .moved(let endpoints):
            moves += 1
            if moves <= Self.mostMoves { queue = endpoints + queue }
            next()
        case .refused(.draining, let reason):
            lastFailure = TunnelError(code: .refused, message: "the tunnel refused: \(reason)")
            next()
        case .refused(_, let reason):
            promise.fail(TunnelError(code: .refused, message: "the tunnel refused: \(reason)"))
        case .unreachable, .otherTunnel: next()
        case .impostor(let reason):
            source.squatterFound(at: endpoint, reason: reason)
            next()
        case .identityNotAccepted:
            lastFailure = TunnelError(
                code: .identityNotAccepted, message: "the tunnel did not accept this connector's certificate")
            source.identityWasNotAccepted()
            waitForNews()
        }
    }

    private func waitForNews() {
        guard NIODeadline.now() + pause < deadline else {
            giveUp()
            return
        }
        let round = loop.assumeIsolated().scheduleTask(in: pause) { self.beginRound() }
        // An event loop that ends runs nothing more.
        round.futureResult.assumeIsolated().whenFailure { _ in self.giveUp() }
        pause = min(pause + pause, Self.longestPause)
    }

    private func giveUp() {
        promise.fail(
            lastFailure
                ?? TunnelError(
                    code: .noEndpoint,
                    message:
                        "no endpoint of the tunnel accepted within \(limits.overall.nanoseconds / 1_000_000_000) s",
                    hint: "see whether the manager runs: dtm status"))
    }
}
