import DTMTestSupport
import DTMCertificates
import DTMCore
import DTMPlan
import DTMSecrets
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import DTMTunnel

/// A connector to one tunnel of a ``FakeControl``'s data plane: it knows what control was told last.
final class Client {
    let endpoint: Endpoint
    let serial: SerialNumber
    let identity: SPIFFEID
    private let listener: any Channel
    private let knowledge: Knowledge
    private let follower: RepeatedTask

    private final class Knowledge: KnowledgeSource, ConnectorObserver {
        let box = NIOLockedValueBox<ConnectorKnowledge?>(nil)
        let failures = NIOLockedValueBox<[String]>([])
        var knowledge: ConnectorKnowledge? { box.withLockedValue { $0 } }
        func identityWasNotAccepted() {}
        func squatterFound(at endpoint: Endpoint, reason: String) {}
        func connectionFailed(_ error: any Error) { failures.withLockedValue { $0.append("\(error)") } }
        func callerRefused(_ reason: String) {}
        func acceptingIsPaused(_ isPaused: Bool) {}
    }

    private struct Signer: HandshakeSigner {
        let key: LeafKey
        func signature(over message: [UInt8]) throws -> [UInt8] { try key.signature(over: message) }
    }

    private struct Authenticator: PeerAuthenticator {
        let verifier: PeerVerifier
        let clock: AnchoredClock

        func authenticate(chain: [[UInt8]], expecting: PeerExpectation) -> Result<AuthenticatedPeer, PeerRefusal> {
            guard case .listener(let identity) = expecting else {
                return .failure(PeerRefusal(code: "role", message: "role"))
            }
            return verifier.verify(chain: chain, expecting: .listener(identity), now: clock.now())
                .map { AuthenticatedPeer(identity: $0.identity, serial: $0.serial) }
                .mapError {
                    PeerRefusal(code: $0.code == .wrongListener ? "wrongTunnel" : $0.code.rawValue, message: $0.message)
                }
        }
    }

    /// - Parameter who: the last part of its identity.
    init(_ control: FakeControl, _ plan: TunnelPlan, who: String = "uid-0.test") async throws {
        let domain = control.authority.trustDomain
        identity = try #require(SPIFFEID.client(of: plan.id, who: who, in: domain))
        let key = try LeafKey()
        let issued = try control.authority.issue(
            request: try key.certificateRequest(), identity: identity, lifetime: .seconds(3_600),
            now: control.clock.now())
        serial = issued.serial
        let verifier = try PeerVerifier(trustBundle: [control.authority.certificateDER], trustDomain: domain)
        let clock = control.clock
        let schedule = try EndpointSchedule(parameters: plan.schedule)
        let windows = ScheduleWindow.needed(at: clock.now(), intervalMilliseconds: plan.schedule.intervalMilliseconds)
        let first = ConnectorKnowledge(
            context: try TunnelTLS.clientContext(TunnelCredential(chain: issued.chain, signer: Signer(key: key))),
            authenticator: Authenticator(verifier: verifier, clock: clock),
            serverIdentity: try #require(SPIFFEID.tunnel(plan.id, in: domain)), published: try control.live(plan.id),
            publishedTurn: ScheduleTurn(epoch: schedule.epoch(at: clock.now()), generation: plan.generation),
            schedule: schedule,
            windowKeys: [
                windows.current: try control.windowKey(plan.id, windows.current),
                windows.next: try control.windowKey(plan.id, windows.next),
            ])
        let knowledge = Knowledge()
        knowledge.box.withLockedValue { $0 = first }
        self.knowledge = knowledge
        let heard = control.heard
        let id = plan.id
        follower = MultiThreadedEventLoopGroup.singleton.any().scheduleRepeatedTask(
            initialDelay: .zero, delay: .milliseconds(5)
        ) { _ in
            let report = heard.withLockedValue { heard in
                heard.messages.reversed().lazy.compactMap { message -> RotationReport? in
                    if case .rotated(let report) = message, report.tunnel == id { report } else { nil }
                }.first
            }
            knowledge.box.withLockedValue { box in
                box?.published = report?.endpoint
                box?.publishedTurn = report?.turn ?? ScheduleTurn(epoch: 0, generation: 0)
            }
        }
        let connecting = ConnectorListener(
            source: knowledge, observer: knowledge, callers: nil,
            limits: .init(overall: .seconds(5), attempt: .seconds(2)),
            time: clock, group: MultiThreadedEventLoopGroup.singleton)
        listener = try await connecting.listen(on: Endpoint(address: .v4(0x7f00_0001), port: 0)).get()
        endpoint = try #require(Endpoint(listener.localAddress))
    }

    var failures: [String] { knowledge.failures.withLockedValue { $0 } }

    deinit {
        follower.cancel()
        listener.close(promise: nil)
    }

    func connect() throws -> BlockingSocket { try BlockingSocket(connectedTo: endpoint) }
}

/// Sends there and back.
func expectService(
    _ client: BlockingSocket, _ served: BlockingSocket, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try client.send("hello")
    #expect(served.receive(exactly: 5) == Array("hello".utf8), sourceLocation: sourceLocation)
    try served.send("and back")
    #expect(client.receive(exactly: 8) == Array("and back".utf8), sourceLocation: sourceLocation)
}

/// A data plane under a ``FakeControl``, ended whatever comes of the test.
func withDataPlane(_ body: (FakeControl, BlockingServer) async throws -> Void) async throws {
    let control = try FakeControl()
    let target = try BlockingServer()
    do {
        try await body(control, target)
    } catch {
        _ = try? control.end()
        throw error
    }
    #expect(try control.end() == 0)
}
