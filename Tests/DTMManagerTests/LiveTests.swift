import DTMAPI
import DTMCore
import DTMDiscovery
import DTMPolicy
import DTMTelemetry
import Testing

@testable import DTMManager

@Suite struct LiveTests {
    private func sight(_ uid: UInt32, steers: Bool = true, tunnels: Set<String> = []) -> LiveSight {
        LiveSight(
            caller: Samples.caller(uid), rights: APIRights(managerUID: steers ? uid : uid + 1), maySteer: steers,
            seesTunnel: { tunnels.contains($0.name.text) })
    }

    private func connection(_ inode: UInt64, _ bytesIn: UInt64, _ bytesOut: UInt64) throws -> ObservedConnection {
        ObservedConnection(
            transport: .tcp, local: try found(Endpoint("127.0.0.1:1")), remote: try found(Endpoint("127.0.0.1:2")),
            state: .established, bytesIn: bytesIn, bytesOut: bytesOut, roundTripMicroseconds: 7, inode: inode)
    }

    private func status(uptime: Double, cpu: Double = 1) -> StatusReport {
        StatusReport(
            pid: 1, uptimeSeconds: uptime, version: "1", home: "/", configuration: nil, state: .init(mode: "ephemeral"),
            autoTunnel: false, analysis: false, tunnels: 0, memory: .init(residentBytes: 1_000, lockedBytes: 0),
            cpuPercent: cpu, processes: [], degraded: [])
    }

    private func reports(_ table: TunnelTable) -> [(record: TunnelRecord, report: TunnelReport)] {
        table.sorted.map { ($0, $0.report(trustDomain: "x")) }
    }

    private func entries(_ ids: ClosedRange<UInt64>, tunnel: String? = nil) -> [JournalEntry] {
        ids.map { JournalEntry(id: $0, event: Event(time: Samples.now, kind: "a.b", severity: .info, tunnel: tunnel)) }
    }

    @Test func `The first update is all there is, and the next only what changed`() throws {
        var composer = LiveComposer(at: Samples.now)
        var one = Samples.process(1, "one")
        let two = Samples.process(2, "two")
        composer.take(reports(try Samples.table(Samples.draft("redis"))), at: Samples.now)
        composer.take(ApplicationView(processes: [one, two]), at: Samples.now)
        composer.take(status(uptime: 1), StateReport(mode: "ephemeral"), at: Samples.now)
        var diff = LiveDiff(sight(1_000))
        let first = try found(diff.next(composer.picture, entries(1...3)))
        #expect(first.isSnapshot && first.maySteer == true)
        #expect(first.apps.map(\.pid) == [1, 2] && first.tunnels.map(\.name) == ["redis"])
        #expect(first.status?.uptimeSeconds == 1 && first.state?.mode == "ephemeral")
        #expect(first.findings == FindingList(available: false, findings: []) && first.picture?.complete == true)
        #expect(first.events.map(\.id) == [1, 2, 3])
        #expect(diff.next(composer.picture, []) == nil)
        one.threads = 9
        composer.take(ApplicationView(processes: [one]), at: Samples.now + .seconds(1))
        let second = try found(diff.next(composer.picture, []))
        #expect(!second.isSnapshot && second.apps.map(\.threads) == [9] && second.goneApps == [2])
        #expect(second.status == nil && second.tunnels.isEmpty && second.picture == nil && second.maySteer == nil)
        composer.take([], at: Samples.now)
        #expect(diff.next(composer.picture, [])?.goneTunnels == ["redis"])
    }

    @Test func `Whoever was slow gets in one update what others got in several`() throws {
        var composer = LiveComposer(at: Samples.now)
        var slow = LiveDiff(sight(1_000))
        var process = Samples.process(1, "one")
        composer.take(ApplicationView(processes: [process]), at: Samples.now)
        _ = slow.next(composer.picture, [])
        for number in 2...5 {
            process.threads = number
            let other = Samples.process(Int32(number), "other")
            composer.take(ApplicationView(processes: [process, other]), at: Samples.now + .seconds(number))
        }
        let update = try found(slow.next(composer.picture, []))
        #expect(update.apps.map(\.pid) == [1, 5] && update.apps.first?.threads == 5)
        #expect(update.goneApps.isEmpty)
    }

    @Test func `What only flickers is no news, and what drifts is in the end`() throws {
        var composer = LiveComposer(at: Samples.now)
        var diff = LiveDiff(sight(1_000))
        var process = Samples.process(1, "one")
        process.connections = [try connection(1, 5, 5)]
        process.residentBytes = 1_000_000
        func look(_ second: Int) -> LiveUpdate? {
            composer.take(ApplicationView(processes: [process]), at: Samples.now + .seconds(second))
            return diff.next(composer.picture, [])
        }
        _ = look(0)
        // The first rate that is known.
        #expect(look(1)?.apps.first?.rate == AppReport.Rate(bytesInPerSecond: 0, bytesOutPerSecond: 0))
        process.cpuPercent = 0.09
        process.residentBytes = 1_009_999
        process.connections[0].roundTripMicroseconds = 99
        #expect(look(2) == nil)
        process.cpuPercent = 0.11
        #expect(look(3)?.apps.first?.residentBytes == 1_009_999)
        process.residentBytes = 1_030_000
        #expect(look(4) != nil)
        #expect(look(5) == nil)
    }

    @Test func `The status is told when something but the time changed, and every five seconds`() {
        var composer = LiveComposer(at: Samples.now)
        var diff = LiveDiff(sight(1_000))
        func take(_ seconds: Int, cpu: Double = 1) -> LiveUpdate? {
            composer.take(
                status(uptime: Double(seconds), cpu: cpu), StateReport(mode: "ephemeral"),
                at: Samples.now + .seconds(seconds))
            return diff.next(composer.picture, [])
        }
        #expect(take(0)?.status != nil)
        #expect(take(1) == nil)
        #expect(take(2, cpu: 1.05) == nil)
        #expect(take(3, cpu: 2)?.status?.cpuPercent == 2)
        #expect(take(7, cpu: 2) == nil)
        #expect(take(8, cpu: 2)?.status?.uptimeSeconds == 8)
    }

    @Test func `A rate is over the connections that were there before`() throws {
        var process = Samples.process(1, "one")
        process.connections = [try connection(1, 100, 1_000), try connection(2, 5, 5)]
        let before = LiveTraffic(process)
        process.connections = [try connection(1, 300, 1_000), try connection(3, 9_999, 9_999), try connection(2, 1, 9)]
        let rate = AppReport.Rate(bytesInPerSecond: 100, bytesOutPerSecond: 0)
        #expect(LiveTraffic(process).rate(since: before, seconds: 2) == rate)
        #expect(LiveTraffic(process).rate(since: nil, seconds: 2) == nil)
        #expect(LiveTraffic(process).rate(since: before, seconds: 0) == nil)
        process.connections[0].bytesIn = nil
        #expect(LiveTraffic(process).rate(since: before, seconds: 2) == nil)
        process.connections = []
        process.gaps = [.sockets]
        #expect(LiveTraffic(process).rate(since: before, seconds: 2) == nil)
    }

    @Test func `Another process under the same number is another`() throws {
        var composer = LiveComposer(at: Samples.now)
        var process = Samples.process(1, "one")
        composer.take(ApplicationView(processes: [process]), at: Samples.now)
        process.startTicks = 99
        composer.take(ApplicationView(processes: [process]), at: Samples.now + .seconds(1))
        #expect(composer.picture.apps.first?.report.rate == nil)
    }

    @Test func `Connections are shown up to a bound, and counted beyond it`() throws {
        var composer = LiveComposer(at: Samples.now)
        var processes: [ApplicationObservation] = []
        for pid in 1...60 {
            var process = Samples.process(Int32(pid), "one")
            process.connections = try (1...250).map { try connection($0, 0, 0) }
            processes.append(process)
        }
        composer.take(ApplicationView(processes: processes), at: Samples.now)
        let reports = composer.picture.apps.map(\.report)
        #expect(reports.first?.connections.count == 200 && reports.first?.omittedConnections == 50)
        #expect(reports.reduce(0) { $0 + $1.connections.count } == LiveBounds.connections)
        #expect(reports.last?.omittedConnections == 250)
    }

    @Test func `Who may not steer sees his processes, the tunnels he may use, and what happens to these`() throws {
        var composer = LiveComposer(at: Samples.now)
        let table = try Samples.table(Samples.draft("mine"), Samples.draft("other", "127.0.0.1:1"))
        let processes = [Samples.process(1, "one", uid: 5), Samples.process(2, "two", uid: 6)]
        composer.take(reports(table), at: Samples.now)
        composer.take(ApplicationView(processes: processes), at: Samples.now)
        composer.take(status(uptime: 1), StateReport(mode: "sealed"), at: Samples.now)
        var diff = LiveDiff(sight(5, steers: false, tunnels: ["mine"]))
        let events = entries(1...1) + entries(2...2, tunnel: "mine") + entries(3...3, tunnel: "other")
        let first = try found(diff.next(composer.picture, events))
        #expect(first.maySteer == false && first.state == nil && first.status != nil)
        #expect(first.apps.map(\.pid) == [1] && first.picture?.ownOnly == true)
        #expect(first.tunnels.map(\.name) == ["mine"] && first.events.map(\.id) == [2])
        // The end of a tunnel is told to who saw it.
        composer.take([], at: Samples.now)
        let second = try found(diff.next(composer.picture, entries(4...4, tunnel: "mine")))
        #expect(second.goneTunnels == ["mine"] && second.events.map(\.id) == [4])
        // A process that changed its user is gone for its former one.
        composer.take(ApplicationView(processes: [Samples.process(1, "one", uid: 6)]), at: Samples.now)
        #expect(diff.next(composer.picture, [])?.goneApps == [1])
    }

    @Test func `What is done about findings is told when it changes, and to nobody who may not steer`() throws {
        var composer = LiveComposer(at: Samples.now)
        var list = ResponseList(mode: "guard", stopped: false, active: [], pending: [], past: [])
        var steers = LiveDiff(sight(1_000))
        var looks = LiveDiff(sight(5, steers: false))
        composer.take(list, at: Samples.now)
        #expect(steers.next(composer.picture, [])?.responses == list)
        #expect(try found(looks.next(composer.picture, [])).responses == nil)
        composer.take(list, at: Samples.now + .seconds(1))
        #expect(steers.next(composer.picture, []) == nil)
        list.stopped = true
        composer.take(list, at: Samples.now + .seconds(2))
        #expect(steers.next(composer.picture, [])?.responses?.stopped == true)
        #expect(looks.next(composer.picture, []) == nil)
        #expect(LiveUpdate(isSnapshot: true, time: "").pieces.allSatisfy { $0.responses == nil })
    }

    @Test func `An application is shown behind its tunnel without another look`() throws {
        var composer = LiveComposer(at: Samples.now)
        let process = Samples.process(1, "redis", try Samples.listener("127.0.0.1:6379"))
        composer.take(ApplicationView(processes: [process]), at: Samples.now)
        var diff = LiveDiff(sight(1_000))
        _ = diff.next(composer.picture, [])
        composer.take(reports(try Samples.table(Samples.draft("redis"))), at: Samples.now)
        #expect(diff.next(composer.picture, [])?.apps.map(\.tunnel) == ["redis"])
    }

    @Test func `What went on while nobody was there starts the numbers not anew`() throws {
        var composer = LiveComposer(at: Samples.now)
        composer.take(ApplicationView(processes: [Samples.process(1, "one")]), at: Samples.now)
        let change = composer.picture.change
        composer.reset(at: Samples.now)
        #expect(composer.picture.change == change && composer.picture.apps.isEmpty)
        composer.take(ApplicationView(processes: [Samples.process(1, "one")]), at: Samples.now)
        #expect(try found(composer.picture.apps.first).change > change)
    }

    @Test func `Events that nobody took in time are a gap`() {
        var diff = LiveDiff(sight(1_000))
        #expect(diff.eventsNeeded(newest: 10) == 0)
        #expect(diff.eventsNeeded(newest: 1_000) == 488)
        _ = diff.next(LivePicture(time: Samples.now), entries(990...1_000))
        #expect(diff.eventsNeeded(newest: 1_001) == 1_000)
        #expect(diff.eventsNeeded(newest: 9_000) == 8_488)
    }

    @Test func `A large update comes in pieces that say the same`() throws {
        var composer = LiveComposer(at: Samples.now)
        let processes = (1...450).map { Samples.process(Int32($0), "one") }
        composer.take(ApplicationView(processes: processes), at: Samples.now)
        var diff = LiveDiff(sight(1_000))
        let update = try found(diff.next(composer.picture, entries(1...512)))
        let pieces = update.pieces
        #expect(pieces.map(\.isSnapshot) == [true, false, false])
        #expect(pieces.map(\.apps.count) == [200, 200, 50] && pieces.map(\.events.count) == [256, 256, 0])
        #expect(pieces.flatMap(\.apps) == update.apps && pieces.flatMap(\.events) == update.events)
        #expect(pieces.dropFirst().allSatisfy { $0.picture == nil && $0.maySteer == nil })
        let halves = try found(pieces[0].halves)
        #expect(halves.0.isSnapshot && !halves.1.isSnapshot)
        #expect(halves.0.apps + halves.1.apps == pieces[0].apps)
        #expect(LiveUpdate(isSnapshot: true, time: "").halves == nil)
        #expect(LiveUpdate(isSnapshot: true, time: "").pieces.count == 1)
    }

    @Test func `Looks come as often as they may cost`() {
        #expect(LiveBounds.lookSpan(interval: .milliseconds(200), cost: .milliseconds(1)) == .seconds(1))
        #expect(LiveBounds.lookSpan(interval: .seconds(3), cost: .milliseconds(1)) == .seconds(3))
        #expect(LiveBounds.lookSpan(interval: .seconds(1), cost: .milliseconds(25)) == .milliseconds(2_500))
        #expect(LiveBounds.lookSpan(interval: .seconds(1), cost: .seconds(9)) == .seconds(30))
    }
}
