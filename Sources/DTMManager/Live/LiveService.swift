import DTMAPI
import DTMConfiguration
import DTMCore
import DTMDiscovery
import DTMTelemetry
import ServiceLifecycle

/// Keeps the picture of ``LiveFeed`` up to date while anybody follows it, and does nothing otherwise.
///
/// Tunnels and events are looked at in each beat, the manager itself once a second, the host as often as
/// ``LiveBounds/lookSpan(interval:cost:)`` allows. However many follow, one look is for all of them.
struct LiveService: Service {
    let parts: ControlParts
    let clock: any TimeSource

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var arrivals = parts.live.arrivals.subscribe().makeAsyncIterator()
            var composer = LiveComposer(at: clock.now())
            while !Task.isCancelled {
                if parts.live.rest() {
                    guard await arrivals.next() != nil else { return }
                } else {
                    composer.reset(at: clock.now())
                    try await keepUp(&composer)
                }
            }
        }
        parts.live.finish()
    }

    /// Until nobody follows any more.
    private func keepUp(_ composer: inout LiveComposer) async throws {
        var beats = LiveBeats()
        while parts.live.hasFollowers {
            let begun = ContinuousClock.now
            let before = composer.picture.change
            await take(&composer, &beats, at: begun)
            let newest = parts.recorder.journal.newestID
            if composer.picture.change != before || newest != beats.newestEvent || parts.live.picture == nil {
                beats.newestEvent = newest
                parts.live.publish(composer.picture)
            }
            try await Task.sleep(until: begun + LiveBounds.beat, clock: .continuous)
        }
    }

    private func take(_ composer: inout LiveComposer, _ beats: inout LiveBeats, at begun: ContinuousClock.Instant) async
    {
        composer.take(await parts.registry.reports, at: clock.now())
        // What is done about findings stands with them. Two numbers that only go up.
        let change = parts.findings.change &+ (await parts.responses.change)
        if composer.wantsFindings(change: change, at: clock.now()) {
            composer.take(await parts.findingScene(limit: LiveBounds.findings), change: change, at: clock.now())
            composer.take(await parts.responses.list(atMost: LiveBounds.responses), at: clock.now())
        }
        if beats.isStatusDue(begun) {
            composer.take(await parts.status.report(), await parts.stateReport(), at: clock.now())
        }
        if beats.isLookDue(begun) {
            let interval = await parts.configuration.current.configuration.discovery.intervalSeconds
            // What was seen last stays when nothing can be seen; discovery tells why.
            guard let look = try? await parts.applications.liveView() else {
                return beats.looked(begun, interval: interval, cost: .zero)
            }
            let meter = ProcessorMeter()
            composer.take(look.view, at: clock.now())
            beats.looked(begun, interval: interval, cost: look.cost + meter.used)
        }
    }
}

/// When what is due.
private struct LiveBeats {
    var newestEvent: UInt64?
    private var statusDue: ContinuousClock.Instant?
    private var lookDue: ContinuousClock.Instant?

    mutating func isStatusDue(_ now: ContinuousClock.Instant) -> Bool {
        guard statusDue.map({ $0 <= now }) ?? true else { return false }
        statusDue = now + LiveBounds.statusSpan
        return true
    }

    func isLookDue(_ now: ContinuousClock.Instant) -> Bool { lookDue.map { $0 <= now } ?? true }

    mutating func looked(_ begun: ContinuousClock.Instant, interval: Double, cost: Duration) {
        lookDue =
            begun + LiveBounds.lookSpan(interval: .milliseconds(Int64(interval * 1_000)), cost: cost)
    }
}

extension TunnelRegistry {
    /// All tunnels by name, with what the API says of each.
    var reports: [(record: TunnelRecord, report: TunnelReport)] { records.map { ($0, report($0)) } }
}
