import DTMAPI

/// Follows events across restarts of the manager.
///
/// The first connection must succeed; one that is lost later is tried anew, quietly, until patience ends, and resumes
/// after the last event that came.
struct EventFollower {
    /// Attempts after a loss, with a pause before each: 10 s in all.
    var attempts = 40
    var pause: () async throws -> Void = { try await Task.sleep(for: .milliseconds(250)) }

    /// - Throws: what the last attempt threw, what `emit` throws, `CancellationError`. Does not return otherwise.
    func run<Events: AsyncSequence>(
        after id: UInt64?, open: (UInt64?) async throws -> Events, emit: (EventReport) throws -> Void
    ) async throws where Events.Element == EventReport {
        var last = id
        var events = try await open(last)
        while true {
            do {
                for try await event in events {
                    try emit(event)
                    last = event.id
                }
            } catch let error as ControlClientError where error.mayPass {}
            events = try await reopen(last, open)
        }
    }

    private func reopen<Events>(_ last: UInt64?, _ open: (UInt64?) async throws -> Events) async throws -> Events {
        for _ in 1..<attempts {
            try await pause()
            do {
                return try await open(last)
            } catch let error as ControlClientError where error.mayPass {}
        }
        try await pause()
        return try await open(last)
    }
}

extension ControlClientError {
    /// A manager that restarts looks like this for a while.
    var mayPass: Bool { code == .noManager || code == .unreachable || code == .timedOut }
}
