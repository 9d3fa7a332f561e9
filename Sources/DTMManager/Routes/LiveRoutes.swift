import DTMAPI
import DTMCore
import DTMTelemetry
import Hummingbird

/// `GET /v1/live`: all that a console shows, for what the caller may see.
struct LiveRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("live") { request, context in
            let caller = try context.caller
            let parts = parts
            let sight = LiveSight(
                caller: caller, rights: parts.rights, maySteer: parts.maySteer(caller),
                seesTunnel: { parts.sees(caller, $0) })
            let live = LiveSequence(
                feed: parts.live, journal: parts.recorder.journal, sight: sight, changes: try parts.live.follow())
            return ServerSentEvents.response(to: request, live)
        }
    }
}

/// The updates for one caller.
struct LiveSequence: AsyncSequence, Sendable {
    typealias Element = ServerSentItem
    typealias Failure = Never
    let feed: LiveFeed
    let journal: EventJournal
    let sight: LiveSight
    let changes: AsyncStream<Void>

    func makeAsyncIterator() -> Iterator {
        Iterator(base: self, changes: changes.makeAsyncIterator(), diff: LiveDiff(sight))
    }

    struct Iterator: AsyncIteratorProtocol {
        let base: LiveSequence
        var changes: AsyncStream<Void>.Iterator
        var diff: LiveDiff
        /// What is to be sent before anything else, the first last.
        var pending: [LiveUpdate] = []

        mutating func next() async -> ServerSentItem? { await next(isolation: nil) }

        mutating func next(isolation actor: isolated (any Actor)?) async -> ServerSentItem? {
            while true {
                if let item = nextPending() { return item }
                guard await changes.next(isolation: actor) != nil else { return nil }
                guard let picture = base.feed.picture else { continue }
                let past = diff.eventsNeeded(newest: base.journal.newestID)
                let events = base.journal.events(after: past).entries
                pending = diff.next(picture, events)?.pieces.reversed() ?? []
            }
        }

        private mutating func nextPending() -> ServerSentItem? {
            while let update = pending.popLast() {
                guard let data = try? APIJSON.encode(update) else { continue }
                guard data.count > LiveBounds.bytes, let (first, second) = update.halves else {
                    return .event(name: "live", id: nil, data: data)
                }
                pending += [second, first]
            }
            return nil
        }
    }
}
