import DTMAPI
import DTMCore

/// One process, with what the console remembers of it.
struct AppEntry: Hashable, Sendable {
    var report: AppReport
    /// Bytes a second, both ways together.
    var throughput = History()

    var rate: Double? { report.rate.map { $0.bytesInPerSecond + $0.bytesOutPerSecond } }
    var connectionCount: Int { report.connections.count + (report.omittedConnections ?? 0) }
    /// Whether it has anything to do with others.
    var hasSockets: Bool { !report.listeners.isEmpty || connectionCount > 0 || report.tunnel != nil }

    /// Takes a sample of what goes over its connections. Most processes have none, and so nothing to remember.
    mutating func sample() {
        guard !throughput.samples.isEmpty || (report.rate != nil && hasSockets) else { return }
        throughput.add(rate)
    }
}

/// One tunnel, with what the console remembers of it.
struct TunnelEntry: Hashable, Sendable {
    var report: TunnelReport {
        didSet { nextRotation = report.nextRotation.flatMap(Timestamp.init(rfc3339:)) }
    }
    private(set) var nextRotation: Timestamp?
    /// Bytes a second, between the last two times at which they changed; nil before.
    private(set) var rateIn: Double?
    private(set) var rateOut: Double?
    var throughput = History()
    /// The bytes that ``rateIn`` and ``rateOut`` end with, by the manager's time.
    private var counted: (bytesIn: UInt64, bytesOut: UInt64, at: Timestamp)?

    /// After so long without a change nothing goes on: the manager tells what changed within a second or two.
    private static let silence = Duration.milliseconds(2_500)

    init(_ report: TunnelReport) {
        self.report = report
        nextRotation = report.nextRotation.flatMap(Timestamp.init(rfc3339:))
    }

    var rate: Double? { rateIn.flatMap { incoming in rateOut.map { incoming + $0 } } }

    /// Takes what was told at `time`.
    mutating func count(at time: Timestamp) {
        guard let before = counted else { return counted = (report.bytesIn, report.bytesOut, time) }
        let seconds = (time - before.at).inSeconds
        guard seconds > 0.2, report.bytesIn != before.bytesIn || report.bytesOut != before.bytesOut else { return }
        rateIn = Double(report.bytesIn &- min(before.bytesIn, report.bytesIn)) / seconds
        rateOut = Double(report.bytesOut &- min(before.bytesOut, report.bytesOut)) / seconds
        counted = (report.bytesIn, report.bytesOut, time)
    }

    /// Notes that nothing was told for long.
    mutating func settle(at time: Timestamp) {
        guard let before = counted, time - before.at > Self.silence else { return }
        rateIn = 0
        rateOut = 0
        // What comes next began about now.
        counted = (before.bytesIn, before.bytesOut, time - .seconds(1))
    }

    static func == (left: Self, right: Self) -> Bool {
        left.report == right.report && left.throughput == right.throughput && left.rateIn == right.rateIn
            && left.rateOut == right.rateOut
    }

    func hash(into hasher: inout Hasher) { hasher.combine(report.name) }
}

/// Whether the manager is there.
enum Link: Hashable, Sendable {
    case connecting
    case live
    /// Gone since this moment of the console's clock.
    case away(since: Duration, reason: String)

    var isLive: Bool { self == .live }
}

/// What the manager told, as of its latest update. A value: a copy is what a paused console shows.
struct LiveData: Sendable {
    /// Of events, the latest that are kept.
    static let maximumEvents = 2_000

    private(set) var apps: [Int32: AppEntry] = [:]
    private(set) var tunnels: [String: TunnelEntry] = [:]
    /// By name.
    private(set) var tunnelNames: [String] = []
    private(set) var picture: LiveUpdate.Picture?
    private(set) var status: StatusReport?
    private(set) var state: StateReport?
    private(set) var findings: FindingList?
    /// Nil where the manager tells nothing of them: whoever may not steer sees none.
    private(set) var responses: ResponseList?
    /// Oldest first.
    private(set) var events: [EventReport] = []
    private(set) var maySteer = false
    private(set) var link = Link.connecting
    /// Counts what changed the list of applications.
    private(set) var appsRevision = 0
    private(set) var cpu = History()
    private(set) var throughput = History()
    private(set) var memory = History()
    /// The manager's time and the console's at the latest update.
    private var anchor: (manager: Timestamp, local: Duration)?
    private var sampledAt: Duration?

    /// The manager's steady time; nil before the first update.
    func managerTime(at local: Duration) -> Timestamp? { anchor.map { $0.manager + (local - $0.local) } }

    mutating func lost(_ reason: String, at local: Duration) {
        if case .away = link { return }
        link = .away(since: local, reason: reason)
    }

    /// A switch that was thrown is seen at once, and a second press throws it back: the next status confirms it.
    mutating func assume(_ effect: Effect) {
        switch effect {
        case .setAutoTunnel(let isOn): status?.autoTunnel = isOn
        case .setAnalysis(let isOn): status?.analysis = isOn
        case .stopResponses: responses?.stopped = true
        case .resumeResponses: responses?.stopped = false
        default: break
        }
    }

    mutating func apply(_ update: LiveUpdate, at local: Duration) {
        link = .live
        if let time = Timestamp(rfc3339: update.time) { anchor = (time, local) }
        if update.isSnapshot { begin(update) }
        apply(apps: update)
        apply(tunnels: update)
        picture = update.picture ?? picture
        status = update.status ?? status
        state = update.state ?? state
        findings = update.findings ?? findings
        responses = update.responses ?? responses
        maySteer = update.maySteer ?? maySteer
        append(update.events)
    }

    /// A snapshot replaces what was known; histories of what is still there go on.
    private mutating func begin(_ update: LiveUpdate) {
        let apps = Dictionary(update.apps.map { ($0.pid, $0.startedAt) }) { first, _ in first }
        self.apps = self.apps.filter { apps[$0.key] == $0.value.report.startedAt }
        let names = Set(update.tunnels.map(\.name))
        tunnels = tunnels.filter { names.contains($0.key) }
        tunnelNames = tunnels.keys.sorted()
        events = []
        picture = nil
        state = nil
        findings = nil
        responses = nil
        appsRevision += 1
    }

    private mutating func apply(apps update: LiveUpdate) {
        guard !update.apps.isEmpty || !update.goneApps.isEmpty else { return }
        appsRevision += 1
        for pid in update.goneApps { apps[pid] = nil }
        for report in update.apps {
            if let known = apps[report.pid], known.report.startedAt == report.startedAt {
                apps[report.pid]?.report = report
            } else {
                apps[report.pid] = AppEntry(report: report)
            }
        }
    }

    private mutating func apply(tunnels update: LiveUpdate) {
        for name in update.goneTunnels { tunnels[name] = nil }
        for report in update.tunnels {
            if tunnels[report.name]?.report.identity == report.identity {
                tunnels[report.name]?.report = report
            } else {
                tunnels[report.name] = TunnelEntry(report)
            }
            if let anchor { tunnels[report.name]?.count(at: anchor.manager) }
        }
        if tunnelNames.count != tunnels.count || !update.goneTunnels.isEmpty || !update.tunnels.isEmpty {
            tunnelNames = tunnels.keys.sorted()
        }
    }

    private mutating func append(_ new: [EventReport]) {
        guard !new.isEmpty else { return }
        events += new
        if events.count > Self.maximumEvents { events.removeFirst(events.count - Self.maximumEvents) }
    }

    // MARK: Samples

    /// Takes a sample of every figure that has a history, once a second.
    mutating func sample(at local: Duration) {
        if let sampledAt, local - sampledAt < .milliseconds(950) { return }
        sampledAt = local
        guard link.isLive else { return }
        sampleApps()
        for name in tunnelNames {
            if let time = managerTime(at: local) { tunnels[name]?.settle(at: time) }
            let rate = tunnels[name]?.rate
            tunnels[name]?.throughput.add(rate)
        }
        cpu.add(status?.cpuPercent)
        memory.add(status.map { Double($0.memory.residentBytes) })
        let rates = tunnels.values.compactMap(\.rate)
        throughput.add(rates.isEmpty ? (tunnels.isEmpty ? 0 : nil) : rates.reduce(0, +))
    }

    /// In place: to go through the entries while they change would copy all of them, thousands, once a second.
    private mutating func sampleApps() {
        var index = apps.startIndex
        while index != apps.endIndex {
            apps.values[index].sample()
            apps.formIndex(after: &index)
        }
    }
}

extension LiveData {
    /// Connections through all tunnels that are open.
    var activeConnections: Int { tunnels.values.reduce(0) { $0 + Int($1.report.connections.active) } }

    /// The processes of the application behind a tunnel, those that listen first.
    func processes(behind tunnel: String) -> [AppEntry] {
        apps.values.filter { $0.report.tunnel == tunnel || $0.report.listeners.contains { $0.tunnel == tunnel } }
            .sorted { $0.report.pid < $1.report.pid }
    }
}
