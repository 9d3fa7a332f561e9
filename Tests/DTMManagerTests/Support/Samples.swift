import DTMConfiguration
import DTMCore
import DTMPlan
import DTMPolicy
import DTMSecrets
import DTMTelemetry

@testable import DTMManager

/// A clock that stands still until it is told to go on.
final class HeldClock: TimeSource {
    private let time: LockedTime

    init(_ start: Timestamp = Timestamp(seconds: 1_790_000_000)) { time = LockedTime(start) }

    func now() -> Timestamp { time.value }
    func advance(_ duration: Duration) { time.value = time.value + duration }
}

enum Samples {
    static let now = Timestamp(seconds: 1_790_000_000)

    static func draft(
        _ name: String, _ target: String = "127.0.0.1:6379", origin: TunnelOrigin = .api,
        _ change: (inout TunnelConfiguration) -> Void = { _ in }
    ) throws -> TunnelDraft {
        var tunnel = TunnelConfiguration(name: try found(TunnelName(name)), target: try found(Target(target)))
        change(&tunnel)
        return TunnelDraft(configuration: tunnel, policy: try AdmissionPolicy(rules: tunnel.allow), origin: origin)
    }

    static func root() throws -> SharedSecret { SharedSecret(try SecretBytes(randomCount: 32)) }

    static func table(_ drafts: TunnelDraft...) throws -> TunnelTable {
        var table = TunnelTable()
        for draft in drafts {
            let id = TunnelID.random()
            try table.add(draft, id: id, root: try root())
            table.update(id) { $0.destination = TargetResolver.literalDestination(of: draft.target) }
        }
        return table
    }

    static let trust = TrustSnapshot(revision: 1, trustDomain: "0123456789abcdef", bundle: [[1, 2, 3]])

    static func recorder(_ clock: any TimeSource = HeldClock()) -> EventRecorder {
        EventRecorder(journal: EventJournal(), log: nil, clock: clock)
    }

    static func process(
        _ pid: Int32, _ name: String, uid: UInt32 = 1_000, gaps: Set<ApplicationObservation.Gap> = [],
        _ listeners: ObservedListener...
    ) -> ApplicationObservation {
        ApplicationObservation(
            pid: pid, startTicks: 1, startedAt: now, parent: 1, name: name, application: name,
            executable: "/usr/bin/\(name)",
            uid: uid, gid: uid, user: uid == 0 ? "root" : "user\(uid)", state: .sleeping, residentBytes: 0, threads: 1,
            cgroup: "/", listeners: listeners, gaps: gaps)
    }

    static func listener(_ endpoint: String, uid: UInt32? = 1_000) throws -> ObservedListener {
        let endpoint = try found(Endpoint(endpoint))
        let isFour = if case .v4 = endpoint.address { true } else { false }
        return ObservedListener(
            transport: isFour ? .tcp : .tcp6, place: .ip(endpoint), uid: uid, inode: UInt64(endpoint.port))
    }

    static func listener(path: String) -> ObservedListener {
        ObservedListener(transport: .unix, place: .unix(path: path), uid: nil, inode: 9)
    }

    static func caller(_ uid: UInt32, groups: [String] = []) -> LocalCaller {
        LocalCaller(uid: uid, gid: uid, pid: 77, userName: "user\(uid)", groupNames: groups)
    }
}

struct Missing: Error {}

func found<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}

/// The code of the error that `body` throws; nil when it throws none.
func managerCode(_ body: () throws -> Void) -> ManagerError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? ManagerError)?.code
    }
}
