import DTMCertificates
import DTMCore
import DTMPlan
import DTMSecrets
import DTMTunnel
import NIOCore

/// Makes plans true. Belongs to the thread that reads the link; what a tunnel does happens on the tunnel's event loop.
///
/// A plan is the whole desired state: what is the same stays untouched, what is new begins, what is gone ends.
final class PlanExecutor {
    private let group: any EventLoopGroup
    private let reporter: Reporter
    private let sessions: SessionRegistry
    private let reservations = EndpointReservations()
    private let owners = SocketOwners()
    private let selfCheck: SelfCheck
    private var clock: AnchoredClock?
    private var authenticator: PlanAuthenticator?
    private var trust: Trust?
    private var revocations: Revocations?
    private var verifier: PeerVerifier?
    private(set) var tunnels: [TunnelID: NIOLoopBoundBox<TunnelRuntime>] = [:]

    private struct Trust: Equatable {
        var domain: String
        var bundle: [[UInt8]]
        var leafLifetimeSeconds: UInt32
    }

    private struct Revocations: Equatable {
        var serials: [SerialNumber]
        var identities: [String]
    }

    init(group: any EventLoopGroup, reporter: Reporter) {
        self.group = group
        self.reporter = reporter
        sessions = SessionRegistry(group: group, maximumConnections: 1)
        selfCheck = SelfCheck(on: group.next(), reporter)
    }

    var openConnections: Int { sessions.openConnections }

    func greet(_ hello: ControlHello) {
        let clock = AnchoredClock(anchor: hello.anchor)
        self.clock = clock
        authenticator = PlanAuthenticator(time: clock)
    }

    /// Makes the plan true as far as it can be; what can't is reported, tunnel by tunnel.
    func apply(_ plan: Plan) {
        guard let clock, let authenticator else { return }
        selfCheck.run(every: plan.verificationMilliseconds)
        sessions.setMaximumConnections(Int(plan.maximumConnections))
        authenticator.throttle(plan.throttledIdentities)
        guard adoptTrust(plan, authenticator) else { return }
        let surroundings = RuntimeSurroundings(
            group: group, sessions: sessions, authenticator: authenticator, reservations: reservations,
            reporter: reporter,
            dialer: DirectDialer(), time: clock, owners: owners, trustDomain: plan.trustDomain)
        removeTunnels(except: Set(plan.tunnels.map(\.id)))
        for tunnel in plan.tunnels { apply(tunnel, surroundings) }
        reporter.send(.planApplied(version: plan.version))
    }

    func adopt(_ key: SharedSecret, of window: UInt64, for tunnel: TunnelID) {
        onLoop(of: tunnel) { $0.adopt(key, of: window) }
    }

    func adopt(chain: [[UInt8]], for subject: CredentialSubject) {
        onLoop(of: subject.tunnel) { $0.adopt(chain: chain, for: subject) }
    }

    func renew(_ subject: CredentialSubject) {
        onLoop(of: subject.tunnel) { $0.requestCertificate(for: subject) }
    }

    /// Stops listening. Connections that are open go on.
    func stopAccepting() {
        for bound in tunnels.values {
            bound.eventLoop.execute {
                bound.value.server.update { $0.isDraining = true }
                _ = bound.value.stop()
            }
        }
    }

    /// Cuts what is open.
    func cutEverything() { sessions.cutAll(.shutdown) }

    func shutDown() { sessions.shutDown() }

    private func adoptTrust(_ plan: Plan, _ authenticator: PlanAuthenticator) -> Bool {
        let wanted = Trust(
            domain: plan.trustDomain, bundle: plan.trustBundle, leafLifetimeSeconds: plan.maximumLeafLifetimeSeconds)
        let revoked = Revocations(serials: plan.revokedSerials, identities: plan.revokedIdentities)
        guard trust != wanted || revocations != revoked else { return true }
        do throws(CertificatesError) {
            let known = trust == wanted ? verifier : nil
            let base = try makeVerifier(plan, known)
            let next = base.revoking(serials: plan.revokedSerials, identities: plan.revokedIdentities)
            authenticator.trust(next)
            verifier = next
            trust = wanted
            revocations = revoked
        } catch {
            reporter.incident(
                Incident(
                    tunnel: nil, kind: .handshakeFailed, at: clock?.now() ?? Timestamp(nanoseconds: 0),
                    reason: "the plan's trust bundle can't be used: \(error.message)"))
            return false
        }
        // Whoever passed under the trust of before can't come back with a ticket of then.
        for id in tunnels.keys { onLoop(of: id) { $0.renewServerContext() } }
        sessions.cut(identities: Set(plan.revokedIdentities), serials: Set(plan.revokedSerials))
        return true
    }

    private func makeVerifier(_ plan: Plan, _ known: PeerVerifier?) throws(CertificatesError) -> PeerVerifier {
        if let known { return known }
        return try PeerVerifier(
            trustBundle: plan.trustBundle, trustDomain: plan.trustDomain,
            maximumLifetime: .seconds(Int64(plan.maximumLeafLifetimeSeconds)))
    }

    private func removeTunnels(except wanted: Set<TunnelID>) {
        for (id, bound) in tunnels where !wanted.contains(id) {
            tunnels[id] = nil
            let sessions = sessions
            bound.eventLoop.execute {
                _ = bound.value.stop()
                sessions.cut(tunnel: id, .tunnelRemoved)
            }
        }
    }

    private func apply(_ plan: TunnelPlan, _ surroundings: RuntimeSurroundings) {
        if tunnels[plan.id] != nil {
            onLoop(of: plan.id) { $0.apply(plan) }
            return
        }
        let loop = group.next()
        do {
            let runtime = try TunnelRuntime(plan, surroundings, on: loop)
            let bound = NIOLoopBoundBox.makeBoxSendingValue(runtime, eventLoop: loop)
            tunnels[plan.id] = bound
            loop.execute { bound.value.start() }
        } catch {
            reporter.send(
                .rotationFailed(
                    RotationFailure(
                        tunnel: plan.id, turn: ScheduleTurn(epoch: 0, generation: plan.generation),
                        step: RotationStep.credential.rawValue, reason: "the tunnel can't be set up: \(error)")))
        }
    }

    private func onLoop(of tunnel: TunnelID, _ body: @escaping @Sendable (TunnelRuntime) -> Void) {
        guard let bound = tunnels[tunnel] else { return }
        bound.eventLoop.execute { body(bound.value) }
    }
}

extension CredentialSubject {
    var tunnel: TunnelID {
        switch self {
        case .listener(let id), .probe(let id): id
        }
    }
}
