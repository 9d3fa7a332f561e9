import AsyncHTTPClient
import DTMConfiguration
import DTMCore
import DTMNotify
import DTMTelemetry
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Follows the journal and tells receivers of findings and responses.
///
/// It holds up nobody: whoever records does not wait, each receiver has a queue of its own with a bound, and one attempt at a
/// time. A configuration that changes who is told ends the attempts that are under way; what waits stays.
struct NotificationService: Service {
    let desk: NotificationDesk
    let configuration: ConfigurationKeeper
    let recorder: EventRecorder
    let clock: any TimeSource
    let makeSender: @Sendable (HTTPClient, any HookStarting) -> any NotificationSending
    let group: any EventLoopGroup

    func run() async throws {
        let http = NotificationSender.client(on: group)
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        let sender = makeSender(http, HookStarter(thread: thread))
        desk.use(sender)
        try? await cancelWhenGracefulShutdown { try await serve(sender) }
        desk.use(nil)
        try? await http.shutdown()
        try? await thread.shutdownGracefully()
    }

    private func serve(_ sender: any NotificationSending) async throws {
        let events = try recorder.journal.subscribe(after: 0, bufferSize: 1_024)
        let reloads = configuration.changes.subscribe()
        var settings = await configuration.current.configuration.notify
        desk.take(settings)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await element in events { take(element) } }
            var iterator = reloads.makeAsyncIterator()
            while !Task.isCancelled {
                settings = await tellAll(settings, sender, until: &iterator)
                desk.take(settings)
            }
            group.cancelAll()
        }
    }

    /// Tells everybody, until the configuration says something else or the task is cancelled.
    private func tellAll(
        _ settings: NotificationSettings, _ sender: any NotificationSending,
        until reloads: inout AsyncStream<Void>.AsyncIterator
    ) async -> NotificationSettings {
        await withTaskGroup(of: Void.self) { group in
            for receiver in settings.receivers { group.addTask { await tell(receiver, sender) } }
            defer { group.cancelAll() }
            while await reloads.next(isolation: nil) != nil {
                let current = await configuration.current.configuration.notify
                if current != settings { return current }
            }
            return settings
        }
    }

    private func take(_ element: JournalSubscription.Element) {
        switch element {
        case .entry(let entry): desk.take(entry.event, number: entry.id)
        case .gap(let missed):
            recorder.record(
                Event.Kind.notificationDropped, .warning,
                ["missed": .integer(Int64(clamping: missed)), "effect": "nobody was told of what these events said"])
        }
        tellOfDrops()
    }

    private func tellOfDrops() {
        for (receiver, count) in desk.droppedToTell(at: clock.now()) {
            record(
                Event.Kind.notificationDropped, .warning, receiver, ["dropped": .integer(Int64(clamping: count))])
        }
    }

    private func tell(_ receiver: NotificationReceiver, _ sender: any NotificationSending) async {
        var changes = desk.changes.subscribe().makeAsyncIterator()
        while !Task.isCancelled {
            switch desk.next(for: receiver.name, at: clock.now()) {
            case .nothing: if await changes.next(isolation: nil) == nil { return }
            case .wait(let until):
                try? await Task.sleep(for: max(until - clock.now(), .milliseconds(1)))
            case .send(let notification):
                let result = await sender.send(notification, to: receiver)
                // What was ended in the middle is sent again, with the same id.
                guard !Task.isCancelled else { return }
                tell(desk.outcome(result, of: notification, for: receiver.name, at: clock.now()), receiver)
            }
            tellOfDrops()
        }
    }

    private func tell(_ change: Outbox.Change?, _ receiver: NotificationReceiver) {
        switch change {
        case .failing(let reason): record(Event.Kind.notificationFailed, .error, receiver, ["reason": .string(reason)])
        case .recovered: record(Event.Kind.notificationRecovered, .notice, receiver)
        case nil: break
        }
    }

    private func record(
        _ kind: String, _ severity: Severity, _ receiver: NotificationReceiver, _ more: [String: DetailValue] = [:]
    ) {
        let detail: [String: DetailValue] = [
            "receiver": .string(receiver.name), "by": .string(receiver.kind), "place": .string(receiver.place),
        ]
        recorder.record(kind, severity, detail.merging(more) { $1 })
    }
}
