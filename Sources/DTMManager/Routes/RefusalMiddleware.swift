import DTMCore
import DTMTelemetry
import Hummingbird
import Synchronization

/// Records that a caller was refused something: once in a while it is a mistake, again and again it is a finding. A flood
/// of one user becomes a few events with counts.
final class RefusalMiddleware: RouterMiddleware {
    private let recorder: EventRecorder
    private let limiter = Mutex(IncidentLimiter())

    init(recorder: EventRecorder) { self.recorder = recorder }

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as ManagerError where error.code.status == .forbidden {
            // Who is asked for the passphrase was not refused yet.
            if error.code != .passphraseNeeded, let peer = context.peer {
                note(peer, route: "\(request.method.rawValue) \(request.uri.path)", code: error.codeName)
            }
            throw error
        }
    }

    /// Records it, or counts it towards the next that is recorded.
    func note(_ peer: LocalCaller, route: String, code: String) {
        let now = recorder.clock.now()
        let count = limiter.withLock {
            $0.admit(kind: Event.Kind.apiRefused, tunnel: "uid \(peer.uid)", now: now)
        }
        guard let count else { return }
        var detail: [String: DetailValue] = [
            "uid": .integer(Int64(peer.uid)), "count": .integer(Int64(clamping: count)),
            "route": .string(printable(route, limit: 120)),
            "code": .string(code),
        ]
        if let pid = peer.pid { detail["pid"] = .integer(Int64(pid)) }
        if let user = peer.userName { detail["user"] = .string(user) }
        recorder.record(
            Event(time: now, kind: Event.Kind.apiRefused, severity: .warning, detail: detail))
    }
}
