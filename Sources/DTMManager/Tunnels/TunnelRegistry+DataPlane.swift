import DTMCore
import DTMPlan
import DTMSecrets
import DTMTelemetry

/// Which window keys of a tunnel the data plane has.
struct DeliveredKeys: Hashable, Sendable {
    var keyGeneration: UInt64
    var windows: Set<UInt64>
}

extension TunnelRegistry {
    /// A data plane is at the other end: it is told everything from the start.
    func linkOpened() {
        delivered = [:]
        author = PlanAuthor(after: author)
        outbox.send(.hello(ControlHello(protocolVersion: PlanProtocol.version, anchor: anchor)))
        commit()
    }

    /// The data plane is gone, and its listeners with it.
    func linkLost() {
        delivered = [:]
        targetSides.lost(at: clock.now())
        traffic.lost()
        table.dataPlaneLost()
        for id in table.records.keys { notify(id) }
        changes.notify()
    }

    /// Tells the data plane what it does not know yet.
    func commit() {
        guard let plan = author.write(table, trust: trust, cutOff: barrier.cutOff(connectors)) else { return }
        outbox.send(.plan(plan))
        for tunnel in plan.tunnels { deliverKeys(of: tunnel.id) }
    }

    /// Sends the keys of the windows that have come near. Call it every few seconds.
    func deliverDueKeys() {
        for tunnel in author.current?.tunnels ?? [] { deliverKeys(of: tunnel.id) }
    }

    /// Sends the keys of the current and the next window of a tunnel, as far as the data plane does not have them.
    func deliverKeys(of id: TunnelID) {
        guard let record = table[id] else { return }
        let needed = Self.neededWindows(record, at: clock.now())
        var known = delivered[id] ?? DeliveredKeys(keyGeneration: record.keyGeneration, windows: [])
        if known.keyGeneration != record.keyGeneration {
            known = DeliveredKeys(keyGeneration: record.keyGeneration, windows: [])
        }
        for window in needed where !known.windows.contains(window) {
            if send(window: window, of: record) { known.windows.insert(window) }
        }
        known.windows.formIntersection(needed)
        delivered[id] = known
    }

    /// The keys of the current and the next window, for a connector.
    func windowKeys(of id: TunnelID) throws(ManagerError) -> [(window: UInt64, key: SharedSecret)] {
        guard let record = table[id] else { throw ManagerError(.tunnelUnknown, "the tunnel is gone") }
        var keys: [(window: UInt64, key: SharedSecret)] = []
        for window in Self.neededWindows(record, at: clock.now()) {
            do {
                keys.append((window, SharedSecret(try Self.key(window, of: record))))
            } catch {
                throw ManagerError(.failed, "a window key could not be made", cause: error)
            }
        }
        return keys
    }

    private static func neededWindows(_ record: TunnelRecord, at now: Timestamp) -> [UInt64] {
        let needed = ScheduleWindow.needed(
            at: now, intervalMilliseconds: record.settings.schedule.intervalMilliseconds)
        return [needed.current, needed.next]
    }

    private static func key(_ window: UInt64, of record: TunnelRecord) throws -> SecretBytes {
        try WindowKeys.derive(root: record.root.bytes, tunnel: record.id, window: window)
    }

    private func send(window: UInt64, of record: TunnelRecord) -> Bool {
        do {
            let key = SharedSecret(try Self.key(window, of: record))
            return outbox.send(.windowKey(tunnel: record.id, window: window, key: key))
        } catch {
            recorder.record(
                Event.Kind.tunnelRotationFailed, .error, tunnel: record.name,
                ["step": "key", "reason": .string("\(error)")])
            return false
        }
    }
}

extension TunnelRegistry {
    /// Takes what the data plane told: notes it, records what it means, answers what it asks.
    func observe(_ messages: [DataPlaneMessage]) {
        var changed: Set<TunnelID> = []
        for message in messages {
            if let id = table.observe(message) { changed.insert(id) }
            traffic.take(message)
            record(message)
            if case .windowKeyWanted(let tunnel, _) = message {
                // Only the windows that are due go out, whichever was asked for.
                delivered[tunnel] = nil
                deliverKeys(of: tunnel)
            }
        }
        for id in changed { notify(id) }
        if !changed.isEmpty { changes.notify() }
    }

    /// Tells what was held back of a flood; call it every second or so.
    func flushIncidents() {
        let now = clock.now()
        recorder.record(touches.flush(now: now))
        for backlog in openings.flush(now: now) {
            recorder.record(
                Event(
                    time: now, kind: backlog.key.kind, severity: .debug, identity: backlog.key.tunnel,
                    detail: ["count": .integer(Int64(clamping: backlog.count)), "reason": "more of the same"]))
        }
        for backlog in limiter.flush(now: now) {
            recorder.record(
                Event(
                    time: now, kind: backlog.key.kind, severity: .warning, tunnel: backlog.key.tunnel,
                    detail: ["count": .integer(Int64(clamping: backlog.count)), "reason": "more of the same"]))
        }
    }

    /// Records what one program can cause as often as it likes: a flood becomes a few events with counts.
    func recordLimited(_ event: Event) {
        guard let count = limiter.admit(kind: event.kind, tunnel: event.tunnel, count: 1, now: clock.now()) else {
            return
        }
        var event = event
        if count > 1 { event.detail["count"] = .integer(Int64(clamping: count)) }
        recorder.record(event)
    }

    /// The data plane's ends of its connections to targets, those of connections that ended lately included.
    func knownTargetSides() -> Set<Endpoint> { targetSides.known(at: clock.now()) }

    func certificateIssued(_ credential: IssuedCredential) {
        table.update(credential.tunnel) { $0.observed.certificate = credential.figures }
    }

    private func record(_ message: DataPlaneMessage) {
        let names = table.records
        let translation = EventTranslation { names[$0]?.name.text }
        switch message {
        case .rotated(let report): recorder.record(translation.event(report, at: clock.now()))
        case .rotationFailed(let failure):
            let kind = Event.Kind.tunnelRotationFailed
            guard let count = admit(kind, failure.tunnel, 1) else { return }
            recorder.record(translation.event(failure, count: count, at: clock.now()))
        case .flowBegan(let flow): began(flow, translation)
        case .flow(let flow):
            targetSides.ended(flow, at: clock.now())
            recorder.record(translation.event(flow, holder: connectors.holder(of: flow.identity)))
        case .incident(let incident):
            guard incident.kind.isLimited else {
                recorder.record(translation.event(incident, count: UInt64(incident.count)))
                return
            }
            guard incident.kind != .decoyTouched else { return touched(incident) }
            guard let count = admit(incident.kind.eventKind, incident.tunnel, UInt64(incident.count)) else { return }
            recorder.record(translation.event(incident, count: count))
        case .hello, .planApplied, .certificateRequest, .windowKeyWanted, .listeners, .counters, .verified, .drained:
            break
        }
    }

    /// Records a touch of a decoy.
    func record(_ touch: TouchDesk.Found) {
        let names = table.records
        let event = EventTranslation { names[$0]?.name.text }.event(touch)
        let due = touches.admit(
            event, peer: touch.incident.peer, count: UInt64(touch.incident.count), now: clock.now())
        if let due { recorder.record(due) }
    }

    /// Of a connector's connections some are told one by one, and of many the number: each has its record at its end.
    private func began(_ flow: FlowStart, _ translation: EventTranslation) {
        targetSides.began(flow)
        let holder = connectors.holder(of: flow.identity)
        if let misuse = translation.misuse(flow, holder: holder) { recordLimited(misuse) }
        guard let count = openings.admit(kind: Event.Kind.connectionOpened, tunnel: flow.identity, now: clock.now())
        else { return }
        recorder.record(translation.event(flow, holder: holder, count: count))
    }

    private func admit(_ kind: String, _ tunnel: TunnelID?, _ count: UInt64) -> UInt64? {
        limiter.admit(kind: kind, tunnel: tunnel.flatMap { table[$0]?.name.text }, count: count, now: clock.now())
    }
}

extension TunnelRegistry {
    /// Asks the data plane for fresh leaves of the tunnels. It keeps the old ones until the new ones have come.
    func renewLeaves(of ids: Set<TunnelID>) {
        for id in ids where author.holds(id) {
            outbox.send(.renew(.listener(id)))
            outbox.send(.renew(.probe(id)))
        }
    }
}
