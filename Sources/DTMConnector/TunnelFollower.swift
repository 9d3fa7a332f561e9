import AsyncAlgorithms
import DTMAPI
import DTMCertificates
import DTMCore
import DTMSecrets
import DTMTunnel
import NIOSSL

/// Keeps a connector's knowledge true: asks control for an identity and for window keys, follows the endpoint, renews
/// in time, and comes back by itself after the manager was away.
///
/// Life: ``begin()`` once, so that a first refusal can be told → ``run()`` until cancelled. What the event loops use
/// stays in the ``KnowledgeBox`` while the manager is away: the data plane may well go on serving.
struct TunnelFollower: Sendable {
    let tunnel: String
    /// 16 hexadecimal digits: renewals carry the same.
    let connector: String
    let client: ControlClient
    let box: KnowledgeBox
    let clock: FollowedClock
    let notices: any ConnectorNoticing

    /// The waits before control is asked again.
    private static let firstPause = Duration.milliseconds(50)
    private static let longestPause = Duration.milliseconds(500)
    /// How long a fresh identity is not replaced because an event loop met a refusal.
    private static let settling = Duration.milliseconds(300)
    /// How long before the end of a window the key of the one after the next is fetched.
    private static let tick = Duration.milliseconds(500)

    /// The first identity.
    ///
    /// - Throws: ``ControlClientError`` when there is no manager, no such tunnel or no right to it; ``ConnectorError``
    ///   `answer`.
    func begin() async throws -> ConnectorView { try await introduce() }

    /// Follows until it is cancelled.
    func run(from first: ConnectorView) async {
        var view: ConnectorView? = first
        var pause = Self.firstPause
        while !Task.isCancelled {
            do {
                let current = try await introduceIfNeeded(&view)
                pause = Self.firstPause
                // Why everything begins anew was said already; an end of the stream says nothing by itself.
                if try await follow(current) == .streamEnded {
                    notices.say("the manager ended the connection; coming back")
                }
            } catch is CancellationError {
                return
            } catch {
                notices.say((error as? any DescribedError)?.message ?? "the manager can't be followed: \(error)")
            }
            view = nil
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private func introduceIfNeeded(_ view: inout ConnectorView?) async throws -> ConnectorView {
        if let known = view { return known }
        let fresh = try await introduce()
        view = fresh
        return fresh
    }

    // MARK: Following

    private enum FollowingEnd: Sendable {
        case streamEnded, tunnelChanged
    }

    private enum Happening: Sendable {
        case update(FollowUpdate)
        case finding(KnowledgeBox.Finding)
        case tick
    }

    /// Until the stream ends, the tunnel is another one, or our identity needs a new start.
    private func follow(_ first: ConnectorView) async throws -> FollowingEnd {
        var view = first
        let updates = try await client.follow(tunnel).map { Happening.update($0) }
        let findings = box.findings().map { Happening.finding($0) }
        let ticks = AsyncTimerSequence(interval: Self.tick, clock: .continuous).map { _ in Happening.tick }
        // The end of the stream must end the merge, which goes on as long as one of its parts does.
        let ending = updates.terminated()
        for try await happening in merge(ending, findings.map { Optional($0) }, ticks.map { Optional($0) }) {
            guard let happening else { return .streamEnded }
            guard try await take(happening, &view) else { return .tunnelChanged }
        }
        return .streamEnded
    }

    /// False when everything must begin anew.
    private func take(_ happening: Happening, _ view: inout ConnectorView) async throws -> Bool {
        switch happening {
        case .update(.gone):
            notices.say("the tunnel is gone, or this user may no longer use it")
            return false
        case .update(.state(let state)): return try await adopt(state, &view)
        case .finding(.identityNotAccepted):
            // Many connections may have met it at once, and what they met may be older than the present identity.
            if clock.now() - view.identity.obtainedAt >= Self.settling { try await renew(&view) }
        case .finding(.squatter(let endpoint, let reason)):
            notices.say("something that is not the tunnel answers at \(endpoint): \(reason)")
            let report = ConnectorReport(kind: "squatter", endpoint: EndpointReport(endpoint), reason: reason)
            try? await client.report(report, on: tunnel)
        case .tick:
            if clock.now() >= view.identity.renewAt { try await renew(&view) }
            try await fetchKeysIfNeeded(&view)
        }
        return true
    }

    private func adopt(_ state: FollowState, _ view: inout ConnectorView) async throws -> Bool {
        guard state.tunnelID == view.state.tunnelID, state.trustDomain == view.state.trustDomain else { return false }
        let keysAreStale = state.keyGeneration != view.state.keyGeneration
        view.state = state
        clock.follow(state.anchor)
        if keysAreStale { try await fetchKeys(&view) }
        try publish(view)
        return true
    }

    // MARK: Asking

    private func introduce() async throws -> ConnectorView {
        let (identity, state) = try await obtainIdentity()
        clock.follow(state.anchor)
        var view = ConnectorView(identity: identity, state: state, windowKeys: [:])
        try await fetchKeys(&view)
        try publish(view)
        return view
    }

    private func renew(_ view: inout ConnectorView) async throws {
        let (identity, state) = try await obtainIdentity()
        guard state.tunnelID == view.state.tunnelID else {
            throw ConnectorError(.answer, "the tunnel is another one now")
        }
        view.identity = identity
        view.state = state
        try publish(view)
    }

    /// The key is made here and stays here; control sees the request alone.
    private func obtainIdentity() async throws -> (ConnectorView.Identity, FollowState) {
        let key = try LeafKey()
        let request = IdentityRequest(
            certificateRequest: Base64.encode(try key.certificateRequest()), connector: connector)
        let answer = try await client.identity(for: tunnel, request)
        let chain = try answer.certificateChain.map(ConnectorView.der)
        guard let renewAt = Timestamp(rfc3339: answer.renewAt) else {
            throw ConnectorError(.answer, "control named no time for the renewal")
        }
        let context = try TunnelTLS.clientContext(TunnelCredential(chain: chain, signer: ConnectorSigner(key: key)))
        return (
            .init(context: context, renewAt: renewAt, obtainedAt: clock.now(), name: answer.identity), answer.follow
        )
    }

    private func fetchKeysIfNeeded(_ view: inout ConnectorView) async throws {
        let needed = ScheduleWindow.needed(
            at: clock.now(), intervalMilliseconds: view.state.intervalMilliseconds)
        if view.windowKeys[needed.current] == nil || view.windowKeys[needed.next] == nil {
            try await fetchKeys(&view)
            try publish(view)
        }
    }

    private func fetchKeys(_ view: inout ConnectorView) async throws {
        let pair = try await client.windowKeys(for: tunnel)
        view.windowKeys = [pair.current.index: pair.current.key, pair.next.index: pair.next.key]
    }

    private func publish(_ view: ConnectorView) throws { box.update(try view.knowledge(time: clock)) }
}

extension AsyncSequence where Self: Sendable, Element: Sendable, AsyncIterator: SendableMetatype {
    /// The elements, and nil when there are no more.
    fileprivate func terminated() -> AsyncChain2Sequence<
        AsyncMapSequence<Self, Element?>, AsyncSyncSequence<[Element?]>
    > {
        chain(map { Optional($0) }, [Element?.none].async)
    }
}
