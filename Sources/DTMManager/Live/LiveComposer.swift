import DTMAPI
import DTMCore
import DTMDiscovery
import DTMPlan

/// Makes the picture that consoles show out of one look after the other, and says of each part when it changed: what only
/// flickers, as the load by less than a tenth of a percent, is no change.
///
/// A pure value. Each `take` costs what it is given, whatever came before.
struct LiveComposer: Sendable {
    /// What was known of one process.
    private struct Known: Sendable {
        /// As it is shown.
        var shown: ApplicationObservation
        var app: LivePicture.App
        var traffic: LiveTraffic

        /// Whether a console would show `process` just as it shows this one.
        func isShownAs(_ process: ApplicationObservation, _ rate: AppReport.Rate?, _ connections: Int) -> Bool {
            rate == app.report.rate && min(connections, process.connections.count) == app.report.connections.count
                && shown.isShown(as: process)
        }
    }
    /// What decides which tunnel stands before which listener.
    private struct Front: Hashable {
        var id: TunnelID
        var name: TunnelName
        var target: Target
        var destination: TargetPlan?
    }

    private(set) var picture: LivePicture
    private var known: [Int32: Known] = [:]
    private var view = ApplicationView()
    private var lookedAt: Timestamp?
    private var fronts: [Front] = []
    private var statusAt: Timestamp?
    private var findingsAt: (change: UInt64, time: Timestamp)?

    init(at time: Timestamp) { picture = LivePicture(time: time) }

    /// Forgets all but the numbers, which go on.
    mutating func reset(at time: Timestamp) {
        let change = picture.change
        self = Self(at: time)
        picture.change = change
    }

    // MARK: The host

    /// Takes over a look at the host.
    mutating func take(_ view: ApplicationView, at now: Timestamp) {
        let span = lookedAt.map { (now - $0).inSeconds }
        self.view = view
        lookedAt = now
        picture.time = now
        show(at: now, span: span, isLook: true)
        let scene = HostScene(view)
        if scene != picture.scene.value || picture.scene.change == 0 {
            picture.scene = .init(value: scene, change: nextChange())
        }
    }

    private mutating func show(at now: Timestamp, span: Double?, isLook: Bool) {
        let stamp = picture.change + 1
        var room = LiveBounds.connections
        var next: [Int32: Known] = [:]
        next.reserveCapacity(view.processes.count)
        var hasNews = false
        for process in view.processes {
            let before = known[process.pid].flatMap { $0.shown.startTicks == process.startTicks ? $0 : nil }
            let traffic = isLook ? LiveTraffic(process) : before?.traffic ?? LiveTraffic(process)
            let rate = isLook ? traffic.rate(since: before?.traffic, seconds: span) : before?.app.report.rate
            let connections = min(LiveBounds.connectionsPerApp, room)
            room -= min(connections, process.connections.count)
            if isLook, let before, before.isShownAs(process, rate, connections) {
                next[process.pid] = Known(shown: before.shown, app: before.app, traffic: traffic)
                continue
            }
            var report = ApplicationRoutes.report(
                process, picture.tunnels.map(\.record), listeners: LiveBounds.listenersPerApp, connections: connections)
            report.rate = rate
            var app = LivePicture.App(report: report, gaps: process.gaps, change: stamp)
            if let before, before.app.report == report { app.change = before.app.change } else { hasNews = true }
            next[process.pid] = Known(shown: process, app: app, traffic: traffic)
        }
        hasNews = hasNews || next.count != known.count
        known = next
        picture.apps = view.processes.compactMap { next[$0.pid]?.app }
        if hasNews { picture.change = stamp }
    }

    // MARK: The manager

    /// Takes over the tunnels, with what is said of each.
    mutating func take(_ tunnels: [(record: TunnelRecord, report: TunnelReport)], at now: Timestamp) {
        picture.time = now
        let stamp = picture.change + 1
        let before = Dictionary(picture.tunnels.map { ($0.record.id, $0) }) { first, _ in first }
        var hasNews = tunnels.count != before.count
        picture.tunnels = tunnels.map { record, report in
            if let same = before[record.id], same.report == report {
                return .init(record: record, report: report, change: same.change)
            }
            hasNews = true
            return .init(record: record, report: report, change: stamp)
        }
        if hasNews { picture.change = stamp }
        let fronts = tunnels.map { record, _ in
            Front(
                id: record.id, name: record.name, target: record.draft.target, destination: record.destination)
        }
        guard fronts != self.fronts else { return }
        self.fronts = fronts
        // Who stands behind a tunnel is told without waiting for the next look.
        guard lookedAt != nil else { return }
        show(at: now, span: nil, isLook: false)
        picture.scene.change = nextChange()
    }

    /// Takes over what the manager says of itself.
    mutating func take(_ status: StatusReport, _ state: StateReport, at now: Timestamp) {
        picture.time = now
        let isOld = statusAt.map { now - $0 >= LiveBounds.statusAge } ?? true
        if isOld || picture.status.map({ !$0.value.isShown(as: status) }) ?? true {
            picture.status = .init(value: status, change: nextChange())
            statusAt = now
        }
        if picture.state?.value != state { picture.state = .init(value: state, change: nextChange()) }
    }

    /// Whether findings that changed with this number are news, or those that are known have aged.
    func wantsFindings(change: UInt64, at now: Timestamp) -> Bool {
        findingsAt.map { $0.change != change || now - $0.time >= LiveBounds.findingsAge } ?? true
    }

    /// Takes over what was found.
    mutating func take(_ findings: FindingScene, change: UInt64, at now: Timestamp) {
        picture.time = now
        findingsAt = (change, now)
        guard picture.findings.value != findings else { return }
        picture.findings = .init(value: findings, change: nextChange())
    }

    /// Takes over what is done about them.
    mutating func take(_ responses: ResponseList, at now: Timestamp) {
        picture.time = now
        guard picture.responses?.value != responses else { return }
        picture.responses = .init(value: responses, change: nextChange())
    }

    private mutating func nextChange() -> UInt64 {
        picture.change += 1
        return picture.change
    }
}

extension ApplicationObservation {
    /// Whether all that is shown of it is the same: the load to a tenth of a percent, memory to one percent, round trips
    /// not at all.
    func isShown(as other: Self) -> Bool {
        guard LiveFlicker.isSame(load: cpuPercent, other.cpuPercent),
            LiveFlicker.isSame(bytes: residentBytes, other.residentBytes),
            connections.count == other.connections.count,
            zip(connections, other.connections).allSatisfy({ $0.isShown(as: $1) })
        else { return false }
        var comparable = other
        comparable.cpuPercent = cpuPercent
        comparable.residentBytes = residentBytes
        comparable.connections = connections
        return comparable == self
    }
}

extension ObservedConnection {
    fileprivate func isShown(as other: Self) -> Bool {
        var comparable = other
        comparable.roundTripMicroseconds = roundTripMicroseconds
        return comparable == self
    }
}

extension StatusReport {
    /// Whether nothing but the time and numbers that flicker differ.
    func isShown(as other: Self) -> Bool {
        guard LiveFlicker.isSame(load: cpuPercent, other.cpuPercent),
            LiveFlicker.isSame(bytes: memory.residentBytes, other.memory.residentBytes),
            processes.count == other.processes.count
        else { return false }
        var comparable = other
        comparable.uptimeSeconds = uptimeSeconds
        comparable.cpuPercent = cpuPercent
        comparable.memory.residentBytes = memory.residentBytes
        for (index, process) in processes.enumerated() {
            guard LiveFlicker.isSame(bytes: process.residentBytes, comparable.processes[index].residentBytes) else {
                return false
            }
            comparable.processes[index].residentBytes = process.residentBytes
        }
        return comparable == self
    }
}

/// Which differences nobody needs to be told.
enum LiveFlicker {
    /// Percent of a core.
    static func isSame(load one: Double, _ other: Double) -> Bool { abs(one - other) < 0.1 }

    static func isSame(bytes one: UInt64, _ other: UInt64) -> Bool {
        let difference = one > other ? one - other : other - one
        return difference == 0 || Double(difference) < Double(one) * 0.01
    }
}
