import DTMPlan
import Synchronization

/// What can take messages for the data plane.
protocol ControlMessageSink: Sendable {
    /// Queues one and returns at once.
    func send(_ message: ControlMessage) throws(PlanError)
}

extension PlanLink: ControlMessageSink where Outgoing == ControlMessage {}

/// The way to whichever data plane there is at the moment. Messages sent while there is none are dropped: the next one
/// is told everything from the start.
final class DataPlaneOutbox: Sendable {
    private let sink = Mutex<(any ControlMessageSink)?>(nil)
    /// Told of a message that could not be sent although there is a link.
    private let failed: @Sendable (PlanError) -> Void

    init(failed: @escaping @Sendable (PlanError) -> Void = { _ in }) { self.failed = failed }

    /// Whether it is on its way.
    @discardableResult
    func send(_ message: ControlMessage) -> Bool {
        guard let sink = sink.withLock({ $0 }) else { return false }
        do {
            try sink.send(message)
            return true
        } catch {
            // A message that breaks a bound is refused and the link goes on; a link that is closed is noticed by its
            // reader.
            if error.code != .closed { failed(error) }
            return false
        }
    }

    func connect(_ new: any ControlMessageSink) { sink.withLock { $0 = new } }
    func disconnect() { sink.withLock { $0 = nil } }
}
