import DTMAPI
import DTMConfiguration
import DTMCore
import DTMPlan
import DTMSecrets
import DTMTelemetry

/// The desired state and what the data plane makes of it: owns the table of tunnels, writes plans, hands out window
/// keys.
///
/// Everything that the data plane must learn in a fixed order leaves through this actor, without a suspension in
/// between.
actor TunnelRegistry {
    var table: TunnelTable
    var trust: TrustSnapshot
    var author = PlanAuthor()
    /// The window keys that the data plane at the other end of the link has, by tunnel.
    var delivered: [TunnelID: DeliveredKeys] = [:]
    var limiter = IncidentLimiter()
    /// Connections that began, by identity.
    var openings = IncidentLimiter(burst: 8, interval: .seconds(10))
    var touches = TouchBook()
    /// The data plane's ends of its connections to targets.
    var targetSides = TargetSides()
    /// Nil in tests: touches of decoys are told without the program.
    private var touchDesk: TouchDesk?
    private var signals: [TunnelID: Signal] = [:]
    let anchor: ClockAnchor
    let clock: any TimeSource
    let outbox: DataPlaneOutbox
    let recorder: EventRecorder
    /// Whose the identities are that connections come under.
    let connectors: ConnectorBook
    /// Whom responses keep out.
    nonisolated let barrier = ResponseBarrier()
    /// What goes through the tunnels, for the analyst.
    nonisolated let traffic = TrafficDesk()
    /// Notified whenever a tunnel comes, goes or gets an endpoint.
    nonisolated let changes = Signal()

    init(
        defaults: TunnelDefaults, trust: TrustSnapshot, anchor: ClockAnchor, clock: any TimeSource,
        outbox: DataPlaneOutbox,
        recorder: EventRecorder, connectors: ConnectorBook = ConnectorBook()
    ) {
        table = TunnelTable(defaults: defaults)
        self.trust = trust
        self.anchor = anchor
        self.clock = clock
        self.outbox = outbox
        self.recorder = recorder
        self.connectors = connectors
    }

    /// Has the programs behind touches of decoys looked for from now on.
    func attributeTouches(at desk: TouchDesk) { touchDesk = desk }

    /// Tells of a touch at once, or when the program behind it was looked for.
    func touched(_ incident: Incident) {
        if touchDesk?.take(incident) ?? false { return }
        record(TouchDesk.Found(incident: incident))
    }

    // MARK: Looking

    var records: [TunnelRecord] { table.sorted }

    func record(_ id: TunnelID) -> TunnelRecord? { table[id] }

    /// - Throws: `tunnel.unknown`.
    func record(named name: String) throws(ManagerError) -> TunnelRecord { try table.record(named: name) }

    func isTaken(_ name: TunnelName) -> Bool { table.id(of: name) != nil }

    var names: [TunnelID: TunnelName] { table.records.mapValues(\.name) }

    func report(_ record: TunnelRecord) -> TunnelReport { record.report(trustDomain: trust.trustDomain) }

    /// What followers of a tunnel see; nil when it is gone.
    func followState(_ id: TunnelID) -> FollowState? {
        table[id]?.followState(trust: trust, anchor: anchor, now: clock.now())
    }

    /// Wakes those who follow one tunnel.
    func signal(of id: TunnelID) -> Signal {
        if let signal = signals[id] { return signal }
        let signal = Signal()
        guard table[id] != nil else {
            signal.finish()
            return signal
        }
        signals[id] = signal
        return signal
    }

    /// Puts back tunnels that were kept; for the start. One that can't be had any more, for the configuration changed,
    /// is told and left out.
    func restore(_ tunnels: [ManagerState.Tunnel]) {
        for tunnel in tunnels {
            do throws(ManagerError) {
                try table.restore(tunnel)
            } catch {
                recorder.record(
                    Event.Kind.stateTunnelLeftOut, .error, tunnel: tunnel.configuration.name,
                    ["reason": .string(error.message)])
            }
        }
        commit()
        changes.notify()
    }

    // MARK: Changing

    /// Throws when the tunnel can't be had; changes nothing.
    func check(_ draft: TunnelDraft) throws(ManagerError) { try table.check(draft) }

    /// Throws when another tunnel leads to the same place under another name, as `localhost` and `127.0.0.1`.
    func checkFree(_ destination: TargetPlan) throws(ManagerError) {
        let other = records.first { $0.destination?.overlaps(destination) ?? false }
        if let other { throw .targetTaken(other) }
    }

    /// Adds a tunnel and tells the data plane.
    ///
    /// - Parameter destination: Where its bytes go; nil while its name has no address.
    func add(_ draft: TunnelDraft, destination: TargetPlan?) throws(ManagerError) -> TunnelID {
        let id = TunnelID.random()
        try table.add(draft, id: id, root: try Self.freshRoot())
        table.update(id) { $0.destination = destination }
        recorder.record(
            Event.Kind.tunnelAdded, .notice, tunnel: draft.name, app: draft.application,
            ["target": .string(draft.target.description), "origin": .string(draft.origin.rawValue)])
        commit()
        changes.notify()
        return id
    }

    func remove(_ id: TunnelID) {
        guard let record = table.remove(id) else { return }
        recorder.record(
            Event.Kind.tunnelRemoved, .notice, tunnel: record.name, app: record.draft.application,
            ["target": .string(record.draft.target.description)])
        commit()
        forget(id)
        changes.notify()
    }

    /// Ends what follows a tunnel that is gone.
    func forget(_ id: TunnelID) {
        delivered[id] = nil
        signals.removeValue(forKey: id)?.finish()
    }

    /// Asks for a rotation of each.
    ///
    /// - Returns: The generation that each will have then.
    func rotate(_ ids: [TunnelID]) -> [TunnelID: UInt32] {
        for id in ids { table.rotate(id) }
        commit()
        return ids.reduce(into: [:]) { generations, id in generations[id] = table[id]?.generation }
    }

    /// Wants `count` decoys of a tunnel whatever the policy says, from now on; nil: as many as the policy says. To ask for
    /// the same again changes nothing.
    ///
    /// - Parameter count: Clamped to what a plan can carry.
    func setDecoys(_ count: Int?, of id: TunnelID) {
        table.update(id) { $0.raisedDecoys = count.map { UInt16(clamping: PlanBounds.decoys.clamped($0)) } }
        commit()
    }

    /// Replaces the roots of the tunnels' window keys, so that who knew the old ones computes no more endpoints.
    func rekey(_ ids: Set<TunnelID>) throws(ManagerError) {
        for id in ids where table[id] != nil {
            table.rekey(id, root: try Self.freshRoot())
            // Before the plan that asks for the rotation: the endpoint must move to where the new key says.
            deliverKeys(of: id)
        }
        commit()
        for id in ids { notify(id) }
    }

    /// Takes over whom peers shall trust, unless a later snapshot came first.
    func trustChanged(_ snapshot: TrustSnapshot) {
        guard snapshot.revision > trust.revision else { return }
        trust = snapshot
        commit()
        for id in table.records.keys { notify(id) }
    }

    /// Notes what a target's name stands for now.
    func resolved(_ id: TunnelID, _ outcome: Result<TargetPlan, ManagerError>) {
        table.update(id) { record in
            switch outcome {
            case .success(let destination):
                record.destination = destination
                record.resolutionProblem = nil
            case .failure(let error): record.resolutionProblem = error.message
            }
        }
        commit()
    }

    /// Notes whose application a tunnel leads to. Once known it stays: whoever takes the port over later is not the
    /// owner.
    func ownerFound(_ id: TunnelID, uid: UInt32, application: String?) {
        table.update(id) { record in
            if record.draft.ownerUID == nil { record.draft.ownerUID = uid }
            if record.draft.application == nil { record.draft.application = application }
        }
    }

    func notify(_ id: TunnelID) { signals[id]?.notify() }

    /// Ends what waits for changes; for the end of the process.
    func finish() {
        for signal in signals.values { signal.finish() }
        changes.finish()
    }

    static func freshRoot() throws(ManagerError) -> SharedSecret {
        do {
            return SharedSecret(try SecretBytes(randomCount: 32))
        } catch {
            throw ManagerError(.failed, "the secret of a tunnel could not be made", cause: error)
        }
    }
}
