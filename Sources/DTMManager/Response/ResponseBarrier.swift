import DTMCore
import Synchronization

/// Whom the data plane keeps out or slows down.
struct CutOff: Hashable, Sendable {
    /// SPIFFE IDs.
    var quarantined: Set<String> = []
    /// SPIFFE IDs.
    var throttled: Set<String> = []
}

/// Whom responses keep out at this moment: asked by whoever gives out identities or lets programs in, and by the author
/// of plans.
final class ResponseBarrier: Sendable {
    private struct Subjects {
        var quarantined: Set<ResponseSubject> = []
        var throttled: Set<ResponseSubject> = []
    }

    private let subjects = Mutex(Subjects())

    func set(quarantined: Set<ResponseSubject>, throttled: Set<ResponseSubject>) {
        subjects.withLock { $0 = Subjects(quarantined: quarantined, throttled: throttled) }
    }

    func isQuarantined(_ identity: String) -> Bool {
        subjects.withLock { $0.quarantined.contains(.identity(identity)) }
    }

    /// Whether one of a user's identities for a tunnel is. He gets no further one for it meanwhile: a connector that is
    /// started anew is nobody else.
    func isQuarantined(anyOf uid: UInt32, on tunnel: TunnelID) -> Bool {
        subjects.withLock { subjects in
            subjects.quarantined.contains { subject in
                guard case .identity(let text) = subject, let identity = SPIFFEID(text) else { return false }
                return identity.clientTunnel == tunnel && identity.segments.last?.hasPrefix("uid-\(uid).") ?? false
            }
        }
    }

    /// Whether a program is, by itself or with all of its user's.
    func isQuarantined(uid: UInt32, executable: String?) -> Bool {
        subjects.withLock { subjects in
            subjects.quarantined.contains(.program(uid: uid, executable: nil))
                || executable.map { subjects.quarantined.contains(.program(uid: uid, executable: $0)) } ?? false
        }
    }

    /// The identities that are meant, those of programs among them.
    func cutOff(_ connectors: ConnectorBook) -> CutOff {
        let subjects = subjects.withLock(\.self)
        return CutOff(
            quarantined: Self.identities(subjects.quarantined, connectors),
            throttled: Self.identities(subjects.throttled, connectors))
    }

    private static func identities(_ subjects: Set<ResponseSubject>, _ connectors: ConnectorBook) -> Set<String> {
        subjects.reduce(into: []) { identities, subject in
            switch subject {
            case .identity(let identity): identities.insert(identity)
            case .program(let uid, let executable):
                identities.formUnion(connectors.identities(ofUID: uid, executable: executable))
            case .application, .tunnel, .host: break
            }
        }
    }
}
