import DTMAPI
import DTMConfiguration
import DTMCore
import DTMNotify
import Synchronization

/// Who is told, and what each still has to be told: for the service that tells, for status and for the test.
final class NotificationDesk: Sendable {
    fileprivate struct Entry {
        var receiver: NotificationReceiver
        var outbox: Outbox
    }
    fileprivate struct State {
        var entries: [Entry] = []
        var sender: (any NotificationSending)?
        var tests: UInt64 = 0
    }
    private let state = Mutex(State())
    /// What makes ids of this run differ from those of any other.
    private let run: String
    private let policy: RetryPolicy
    /// Notified when somebody has to be told.
    let changes = Signal()

    init(policy: RetryPolicy = RetryPolicy()) {
        self.policy = policy
        let number = String(UInt64.random(in: .min ... .max), radix: 16)
        run = String(repeating: "0", count: 16 - number.count) + number
    }

    /// Takes over who is told. Whoever has the same name and kind keeps what waits for him.
    func take(_ settings: NotificationSettings) {
        state.withLock { state in
            state.entries = settings.receivers.map { receiver in
                let known = state.entries.first {
                    $0.receiver.name == receiver.name && $0.receiver.kind == receiver.kind
                }
                var outbox = known?.outbox ?? Outbox(limits: receiver.limits, policy: policy)
                outbox.limits = receiver.limits
                return Entry(receiver: receiver, outbox: outbox)
            }
        }
        changes.notify()
    }

    var receivers: [NotificationReceiver] { state.withLock { $0.entries.map(\.receiver) } }

    func use(_ sender: (any NotificationSending)?) { state.withLock { $0.sender = sender } }

    /// An event of the journal, with its number there. Never waits.
    func take(_ event: Event, number: UInt64) {
        guard let notification = Notification(event, id: "msg_\(run)_\(number)") else { return }
        state.withLock { state in
            for index in state.entries.indices { state.entries[index].outbox.take(notification) }
        }
        changes.notify()
    }

    func next(for name: String, at now: Timestamp) -> Outbox.Step {
        state.withLock { state in
            guard let index = state.index(of: name) else { return .nothing }
            return state.entries[index].outbox.next(at: now)
        }
    }

    func outcome(
        _ result: AttemptResult, of notification: DTMNotify.Notification, for name: String, at now: Timestamp
    ) -> Outbox.Change? {
        state.withLock { state in
            guard let index = state.index(of: name) else { return nil }
            return state.entries[index].outbox.outcome(
                result, of: notification, at: now, jitter: .random(in: 0...1))
        }
    }

    /// Whose notifications were dropped, and how many, since it was asked last.
    func droppedToTell(at now: Timestamp) -> [(receiver: NotificationReceiver, count: UInt64)] {
        state.withLock { state in
            state.entries.indices.compactMap { index in
                state.entries[index].outbox.droppedToTell(at: now).map { (state.entries[index].receiver, $0) }
            }
        }
    }

    var report: [NotificationReport] {
        state.withLock { state in
            state.entries.map { entry in
                NotificationReport(
                    name: entry.receiver.name, kind: entry.receiver.kind, place: entry.receiver.place,
                    delivered: entry.outbox.delivered, failed: entry.outbox.failed, dropped: entry.outbox.dropped,
                    waiting: entry.outbox.waiting, problem: entry.outbox.problem)
            }
        }
    }

    /// Tells all receivers that they are told, past what waits, the filter and the rate; once.
    func test(at now: Timestamp) async -> NotificationTest {
        let (receivers, sender, number) = state.withLock { state in
            state.tests += 1
            return (state.entries.map(\.receiver), state.sender, state.tests)
        }
        guard let sender else { return NotificationTest(results: []) }
        let notification = Notification(testAt: now, id: "msg_\(run)_test\(number)")
        let results = await withTaskGroup(of: (Int, NotificationTest.Result).self) { group in
            for (index, receiver) in receivers.enumerated() {
                group.addTask { (index, await Self.result(sender.send(notification, to: receiver), receiver)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return NotificationTest(results: results.sorted { $0.0 < $1.0 }.map(\.1))
    }

    private static func result(_ result: AttemptResult, _ receiver: NotificationReceiver) -> NotificationTest.Result {
        var policy = RetryPolicy()
        policy.attempts = 1
        let problem: String? =
            if case .failed(let reason) = policy.decide(result, attempt: 1, jitter: 0) { reason } else { nil }
        return NotificationTest.Result(
            name: receiver.name, kind: receiver.kind, place: receiver.place, delivered: problem == nil, problem: problem
        )
    }
}

extension NotificationDesk.State {
    fileprivate func index(of name: String) -> Int? { entries.firstIndex { $0.receiver.name == name } }
}
