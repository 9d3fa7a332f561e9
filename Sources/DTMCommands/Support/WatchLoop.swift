import DTMAPI

/// Asks the manager again and again, and shows each answer.
///
/// A manager that goes away is waited for until patience ends; what is shown meanwhile is the last answer.
struct WatchLoop {
    /// What follows a pause.
    enum Step {
        case ask
        /// What is shown has to be shown anew, as on a terminal of another size.
        case show
        case end
    }

    /// How current an answer is.
    enum Age {
        case fresh
        /// The manager does not answer.
        case stale
    }

    /// Between two looks.
    var interval: Duration
    /// Questions in a row that may stay without an answer, with a pause between them: 10 s in all.
    var attempts = 40
    var retryInterval = Duration.milliseconds(250)
    var pause: (Duration) async throws -> Step = { duration in
        try await Task.sleep(for: duration)
        return .ask
    }

    /// - Parameter first: What was answered already.
    /// - Throws: What the last question threw, what `show` throws, `CancellationError`.
    func run<Answer>(
        _ first: Answer, ask: () async throws -> Answer, show: (Answer, Age) throws -> Void
    ) async throws {
        var answer = first
        var misses = 0
        try show(answer, .fresh)
        while true {
            let age: Age
            switch try await pause(misses == 0 ? interval : retryInterval) {
            case .end: return
            case .show: age = misses == 0 ? .fresh : .stale
            case .ask:
                do {
                    answer = try await ask()
                    misses = 0
                } catch let error as ControlClientError where error.mayPass && misses < attempts {
                    misses += 1
                    // It is said once.
                    if misses > 1 { continue }
                }
                age = misses == 0 ? .fresh : .stale
            }
            try show(answer, age)
        }
    }
}
