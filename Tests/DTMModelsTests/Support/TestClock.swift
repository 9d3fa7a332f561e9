import DTMCore
import Synchronization

@testable import DTMModels

/// Stands still until somebody waits, and is there at once then.
final class TestClock: ModelClock {
    private struct State {
        var now = Timestamp(seconds: 1_800_000_000)
        var sleeps: [Duration] = []
    }

    private let state = Mutex(State())

    func now() -> Timestamp { state.withLock { $0.now } }

    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    func advance(_ duration: Duration) { state.withLock { $0.now = $0.now + duration } }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        state.withLock { state in
            state.now = state.now + duration
            state.sleeps.append(duration)
        }
    }
}
