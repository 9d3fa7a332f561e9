import DTMCore
import NIOCore

/// A connection to the target, through the tunnel.
struct DialedTunnel {
    let channel: any Channel
    /// What the server sent right after its status frame.
    let early: ByteBuffer
}

/// Finds the tunnel's live endpoint for one connection: candidate after candidate without a pause, then again with
/// whatever is known by then, until the time is up. Nothing of the application's is sent before the server accepts, so
/// trying again is safe. An endpoint that keeps an attempt waiting is left to it, and the next is tried beside it; the
/// first that accepts wins.
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
    /// Where an attempt goes on.
    private var pending: Set<Endpoint> = []
    /// Those of them beside which the search has gone on: what comes of them moves it no further.
    private var overtaken: Set<Endpoint> = []
    private var isOver = false
    private var hasAccepted = false
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
        guard !isOver else { return }
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
        guard !isOver else { return }
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
        guard tried.insert(endpoint).inserted, !pending.contains(endpoint) else {
            next()
            return
        }
        attempt(endpoint, with: knowledge)
    }

    private func attempt(_ endpoint: Endpoint, with knowledge: ConnectorKnowledge) {
        let remaining = deadline - .now()
        guard remaining > .zero else {
            giveUp()
            return
        }
        pending.insert(endpoint)
        let impatience = loop.assumeIsolated().scheduleTask(in: limits.patience) { self.overtake(endpoint) }
        EndpointAttempt.run(
            endpoint, context: knowledge.context, authenticator: knowledge.authenticator,
            identity: knowledge.serverIdentity, timeout: min(limits.attempt, remaining), on: loop
        )
        .assumeIsolated()
        .whenSuccess { outcome in
            impatience.cancel()
            self.pending.remove(endpoint)
            let wasOvertaken = self.overtaken.remove(endpoint) != nil
            if self.isOver {
                self.takeLate(outcome, from: endpoint)
            } else {
                self.take(outcome, from: endpoint, movesOn: !wasOvertaken)
            }
        }
    }

    private func overtake(_ endpoint: Endpoint) {
        guard !isOver, pending.contains(endpoint) else { return }
        overtaken.insert(endpoint)
        next()
    }

    private func take(_ outcome: AttemptOutcome, from endpoint: Endpoint, movesOn: Bool) {
        switch outcome {
        case .accepted(let channel, let early):
            isOver = true
            hasAccepted = true
            promise.succeed(NIOLoopBound(DialedTunnel(channel: channel, early: early), eventLoop: loop))
            return
        case .moved(let endpoints):
            moves += 1
            if moves <= Self.mostMoves { queue = endpoints + queue }
        case .refused(.draining, let reason):
            lastFailure = TunnelError(code: .refused, message: "the tunnel refused: \(reason)")
        case .refused(_, let reason):
            isOver = true
            promise.fail(TunnelError(code: .refused, message: "the tunnel refused: \(reason)"))
            return
        case .unreachable, .silent, .otherTunnel: break
        case .impostor(let reason): source.squatterFound(at: endpoint, reason: reason)
        case .identityNotAccepted:
            lastFailure = TunnelError(
                code: .identityNotAccepted, message: "the tunnel did not accept this connector's certificate")
            source.identityWasNotAccepted()
            if movesOn { waitForNews() }
            return
        }
        if movesOn { next() }
    }

    /// What an endpoint came to after the search had ended. One that never said a word while the tunnel answered
    /// elsewhere is somebody else's.
    private func takeLate(_ outcome: AttemptOutcome, from endpoint: Endpoint) {
        switch outcome {
        case .accepted(let channel, _): channel.close(promise: nil)
        case .impostor(let reason): source.squatterFound(at: endpoint, reason: reason)
        case .silent where hasAccepted:
            source.squatterFound(at: endpoint, reason: "it accepts connections and says nothing")
        case .moved, .refused, .unreachable, .silent, .otherTunnel, .identityNotAccepted: break
        }
    }

    private func waitForNews() {
        guard !isOver else { return }
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
        guard !isOver else { return }
        isOver = true
        promise.fail(
            lastFailure
                ?? TunnelError(
                    code: .noEndpoint,
                    message:
                        "no endpoint of the tunnel accepted within \(limits.overall.nanoseconds / 1_000_000_000) s",
                    hint: "see whether the manager runs: dtm status"))
    }
}
