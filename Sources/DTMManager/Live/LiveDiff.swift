import DTMAPI
import DTMCore
import DTMDiscovery
import DTMPolicy
import DTMTelemetry

/// What one caller may see of the picture.
struct LiveSight: Sendable {
    let caller: LocalCaller
    let rights: APIRights
    let maySteer: Bool
    /// Whether the caller sees a tunnel, when he may not steer.
    let seesTunnel: @Sendable (TunnelRecord) -> Bool

    func sees(_ app: LivePicture.App) -> Bool { maySteer || app.report.uid == caller.uid }
    func sees(_ tunnel: LivePicture.Tunnel) -> Bool { maySteer || seesTunnel(tunnel.record) }
}

/// What one caller of `GET /v1/live` was told, and so what is news to him.
///
/// A pure value. It compares the picture as it is with what was sent last: whoever is slow gets one larger update later, and
/// nothing piles up for him. One comparison costs as much as the picture is large.
struct LiveDiff: Sendable {
    private let sight: LiveSight
    /// The number of the change up to which the caller knows all; nil before the snapshot.
    private var told: UInt64?
    private var apps: Set<Int32> = []
    private var tunnels: Set<String> = []
    private var frame: LiveUpdate.Picture?
    private var lastEvent: UInt64 = 0

    init(_ sight: LiveSight) { self.sight = sight }

    /// The events that the next update needs come after this one.
    ///
    /// - Parameter newest: The newest that there is.
    func eventsNeeded(newest: UInt64) -> UInt64 {
        let oldest = newest > UInt64(LiveBounds.pastEvents) ? newest - UInt64(LiveBounds.pastEvents) : 0
        return max(lastEvent, oldest)
    }

    /// What is news: the first time all there is. Nil when nothing is.
    ///
    /// - Parameter events: Those after ``eventsNeeded(newest:)``, oldest first.
    mutating func next(_ picture: LivePicture, _ events: [JournalEntry]) -> LiveUpdate? {
        var update = LiveUpdate(isSnapshot: told == nil, time: picture.time.rfc3339)
        let since = told ?? 0
        if told == nil {
            update.maySteer = sight.maySteer
        }
        if told == nil || picture.findings.change > since {
            let seen = sight.maySteer ? nil : Set(picture.tunnels.filter(sight.sees).map(\.report.name))
            update.findings = picture.findings.value.list(tunnels: seen)
        }
        if let status = picture.status, told == nil || status.change > since { update.status = status.value }
        if sight.maySteer, let state = picture.state, told == nil || state.change > since { update.state = state.value }
        if sight.maySteer, let responses = picture.responses, told == nil || responses.change > since {
            update.responses = responses.value
        }
        if told == nil || picture.change > since {
            compareApps(picture, since, &update)
            compareEvents(events, among: compareTunnels(picture, since, &update), &update)
        } else {
            compareEvents(events, among: tunnels, &update)
        }
        told = max(since, picture.change)
        return update.isEmpty ? nil : update
    }

    private mutating func compareApps(_ picture: LivePicture, _ since: UInt64, _ update: inout LiveUpdate) {
        var present: Set<Int32> = []
        present.reserveCapacity(apps.count)
        var gaps: Set<ApplicationObservation.Gap> = []
        for app in picture.apps where sight.sees(app) {
            present.insert(app.report.pid)
            gaps.formUnion(app.gaps)
            if app.change > since || !apps.contains(app.report.pid) { update.apps.append(app.report) }
        }
        update.goneApps = apps.subtracting(present).sorted()
        apps = present
        var list = ApplicationRoutes.list(
            [], gaps: gaps, picture.scene.value, picture.tunnels.map(\.record), for: sight.caller, sight.rights)
        if list.unattributed.count > LiveBounds.unattributed {
            list.unattributed.removeLast(list.unattributed.count - LiveBounds.unattributed)
            list.truncated = true
        }
        let frame = LiveUpdate.Picture(list)
        if frame != self.frame { update.picture = frame }
        self.frame = frame
    }

    /// - Returns: The names of the tunnels that the caller sees or saw until now.
    private mutating func compareTunnels(
        _ picture: LivePicture, _ since: UInt64, _ update: inout LiveUpdate
    ) -> Set<String> {
        let before = tunnels
        var present: Set<String> = []
        for tunnel in picture.tunnels where sight.sees(tunnel) {
            present.insert(tunnel.report.name)
            if tunnel.change > since || !before.contains(tunnel.report.name) { update.tunnels.append(tunnel.report) }
        }
        update.goneTunnels = before.subtracting(present).sorted()
        tunnels = present
        return before.union(present)
    }

    private mutating func compareEvents(
        _ events: [JournalEntry], among tunnels: Set<String>, _ update: inout LiveUpdate
    ) {
        let filter = EventFilter(tunnels: sight.maySteer ? nil : tunnels)
        for entry in events where entry.id > lastEvent {
            lastEvent = entry.id
            if filter.contains(entry.event) { update.events.append(EventReport(id: entry.id, entry.event)) }
        }
    }
}
