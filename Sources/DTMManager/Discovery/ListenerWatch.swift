import DTMCore
import DTMDiscovery

/// Makes events of what the inventory found: what an operator should be able to look up later, and no more.
///
/// Applications that never listen, as the commands of a shell, come and go untold: they would wash everything else away.
struct ListenerWatch: Sendable {
    /// Applications that listen, or did.
    private var applications: Set<String> = []
    /// More are told as if they were new each time.
    private static let maximumApplications = 4_096

    /// - Parameters:
    ///   - own: What belongs to DTM itself, whose listeners come and go all the time.
    ///   - isFirst: What is there at the start is no news.
    mutating func events(for changes: [InventoryEvent], own: OwnParts, isFirst: Bool, at now: Timestamp) -> [Event] {
        var told: [Event] = []
        for change in changes { told += events(for: change, own, now) }
        return isFirst ? [] : told
    }

    private mutating func events(for change: InventoryEvent, _ own: OwnParts, _ now: Timestamp) -> [Event] {
        switch change {
        case .appeared, .newPeer: return []
        case .gone(let application):
            guard applications.remove(application) != nil else { return [] }
            return [make(Event.Kind.applicationGone, .info, application, [:], now)]
        case .startedListening(let listener, let owner):
            return started(listener, owner, own, now)
        case .identified(let listener, let owner):
            return started(listener, owner, own, now)
        case .stoppedListening(let listener, let owner):
            guard !own.owns(listener, owner) else { return [] }
            return [make(Event.Kind.listenerStopped, .info, owner?.application, detail(listener, owner), now)]
        case .takenOver(let listener, let former, let present, let differences):
            guard !own.owns(listener, present) else { return [] }
            var detail = detail(listener, present)
            detail["from"] = .string(former.summary)
            detail["to"] = .string(present.summary)
            detail["differences"] = .list(differences.map(\.rawValue).sorted())
            let isRestart = differences == [.process]
            return [
                make(
                    isRestart ? Event.Kind.listenerRestarted : Event.Kind.listenerTakenOver,
                    isRestart ? .info : .warning, present.application, detail, now)
            ]
        }
    }

    private mutating func started(
        _ listener: ObservedListener, _ owner: ListenerOwner?, _ own: OwnParts, _ now: Timestamp
    ) -> [Event] {
        guard !own.owns(listener, owner) else { return [] }
        let event = make(Event.Kind.listenerStarted, .info, owner?.application, detail(listener, owner), now)
        guard let owner else { return [event] }
        if applications.count >= Self.maximumApplications { applications = [] }
        guard applications.insert(owner.application).inserted else { return [event] }
        let appeared = make(
            Event.Kind.applicationAppeared, .info, owner.application, ["pid": .integer(Int64(owner.process.pid))], now)
        return [appeared, event]
    }

    private func detail(_ listener: ObservedListener, _ owner: ListenerOwner?) -> [String: DetailValue] {
        var detail: [String: DetailValue] = [
            "protocol": .string(listener.transport.rawValue), "address": .string(listener.address),
        ]
        if listener.port != 0 { detail["port"] = .integer(Int64(listener.port)) }
        if let owner {
            detail["pid"] = .integer(Int64(owner.process.pid))
            if let executable = owner.executable { detail["executable"] = .string(executable) }
        }
        if let uid = owner?.uid ?? listener.uid { detail["uid"] = .integer(Int64(uid)) }
        return detail
    }

    private func make(
        _ kind: String, _ severity: Severity, _ application: String?, _ detail: [String: DetailValue], _ now: Timestamp
    ) -> Event {
        Event(time: now, kind: kind, severity: severity, tunnel: nil, app: application, identity: nil, detail: detail)
    }
}

extension ListenerOwner {
    fileprivate var summary: String {
        let program = executable.map { "\($0), " } ?? ""
        return "\(application) (\(program)pid \(process.pid), uid \(uid))"
    }
}
