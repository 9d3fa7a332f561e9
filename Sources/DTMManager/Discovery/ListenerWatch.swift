import DTMCore
import DTMDiscovery

/// Makes events of what the inventory found: what an operator should be able to look up later, and no more.
struct ListenerWatch: Sendable {
    /// Applications that came or went in one look, told one by one; of more, the number is told.
    static let maximumTold = 16

    /// - Parameters:
    ///   - own: What belongs to DTM itself, whose listeners come and go all the time.
    ///   - isFirst: What is there at the start is no news.
    func events(for changes: [InventoryEvent], own: OwnParts, isFirst: Bool, at now: Timestamp) -> [Event] {
        guard !isFirst else { return [] }
        var told = 0
        var untold = 0
        var events: [Event] = []
        for change in changes {
            guard let event = event(change, own, now) else { continue }
            if event.isAboutProcesses {
                guard told < Self.maximumTold else {
                    untold += 1
                    continue
                }
                told += 1
            }
            events.append(event)
        }
        if untold > 0 {
            events.append(
                Event(
                    time: now, kind: Event.Kind.applicationsChanged, severity: .info, tunnel: nil, app: nil,
                    identity: nil, detail: ["more": .integer(Int64(untold))]))
        }
        return events
    }

    private func event(_ change: InventoryEvent, _ own: OwnParts, _ now: Timestamp) -> Event? {
        switch change {
        case .appeared(let application, let process):
            return make(Event.Kind.applicationAppeared, .info, application, ["pid": .integer(Int64(process.pid))], now)
        case .gone(let application): return make(Event.Kind.applicationGone, .info, application, [:], now)
        case .identified(let listener, let owner):
            guard !own.owns(listener, owner) else { return nil }
            return make(Event.Kind.listenerStarted, .info, owner.application, detail(listener, owner), now)
        case .startedListening(let listener, let owner):
            guard !own.owns(listener, owner) else { return nil }
            return make(Event.Kind.listenerStarted, .info, owner?.application, detail(listener, owner), now)
        case .stoppedListening(let listener, let owner):
            guard !own.owns(listener, owner) else { return nil }
            return make(Event.Kind.listenerStopped, .info, owner?.application, detail(listener, owner), now)
        case .newPeer: return nil
        case .takenOver(let listener, let former, let present, let differences):
            guard !own.owns(listener, present) else { return nil }
            var detail = detail(listener, present)
            detail["from"] = .string(former.summary)
            detail["to"] = .string(present.summary)
            detail["differences"] = .list(differences.map(\.rawValue).sorted())
            let isRestart = differences == [.process]
            return make(
                isRestart ? Event.Kind.listenerRestarted : Event.Kind.listenerTakenOver, isRestart ? .info : .warning,
                present.application, detail, now)
        }
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

extension OwnParts {
    fileprivate func owns(_ listener: ObservedListener, _ owner: ListenerOwner?) -> Bool {
        if let owner, processes.contains(owner.process.pid) { return true }
        return listener.endpoint.map(endpoints.contains) ?? listener.path.map(socketPaths.contains) ?? false
    }
}

extension Event {
    fileprivate var isAboutProcesses: Bool {
        kind == Kind.applicationAppeared || kind == Kind.applicationGone
    }
}

extension ListenerOwner {
    fileprivate var summary: String {
        let program = executable.map { "\($0), " } ?? ""
        return "\(application) (\(program)pid \(process.pid), uid \(uid))"
    }
}
