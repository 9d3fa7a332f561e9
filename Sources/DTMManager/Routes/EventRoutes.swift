import DTMAPI
import DTMCore
import DTMTelemetry
import HTTPTypes
import Hummingbird

/// `GET /v1/events`: what is remembered, or a stream of what happens. Who may not steer sees the events of the tunnels
/// that he sees.
struct EventRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.get("events") { request, context in
            let caller = try context.caller
            let visible = await self.visible(to: caller)
            let since = try Self.since(request)
            guard request.uri.queryParameters["follow"] == "1" else {
                let entries = parts.recorder.journal.events(after: since ?? 0).entries
                return try APIResponse.json(
                    EventList(events: entries.filter { visible.contains($0.event) }.map(Self.report)))
            }
            let subscription = try parts.recorder.journal.subscribe(after: since)
            return ServerSentEvents.response(to: request, subscription.map { Self.item($0, visible) })
        }
    }

    private func visible(to caller: LocalCaller) async -> EventFilter {
        guard !parts.maySteer(caller) else { return EventFilter(tunnels: nil) }
        return EventFilter(tunnels: Set(await parts.visibleTunnels(to: caller).map(\.name.text)))
    }

    /// `since`, or what a client says that it had last.
    private static func since(_ request: Request) throws(ManagerError) -> UInt64? {
        let given = request.uri.queryParameters["since"].map(String.init) ?? request.headers[.lastEventID]
        guard let given else { return nil }
        guard let id = UInt64(given) else {
            throw ManagerError(.requestInvalid, "since is \(printable(given)); allowed is the id of an event")
        }
        return id
    }

    private static func report(_ entry: JournalEntry) -> EventReport { EventReport(id: entry.id, entry.event) }

    private static func item(_ element: JournalSubscription.Element, _ visible: EventFilter) -> ServerSentItem {
        switch element {
        case .gap(let missed): return .comment("\(missed) events are missing here")
        case .entry(let entry):
            guard visible.contains(entry.event),
                let item = try? ServerSentItem.event("event", id: entry.id, report(entry))
            else { return .comment("") }
            return item
        }
    }
}

/// Which events a caller sees.
struct EventFilter: Hashable, Sendable {
    /// Nil: all.
    var tunnels: Set<String>?

    func contains(_ event: Event) -> Bool {
        guard let tunnels else { return true }
        return event.tunnel.map(tunnels.contains) ?? false
    }
}

extension HTTPField.Name {
    /// HTML Standard, section 9.2.4.
    static var lastEventID: Self {
        // The name is made of token characters, so that there always is one.
        HTTPField.Name("Last-Event-ID") ?? .ifMatch
    }
}
