public import DTMCore

/// The time, and waiting for it. A test has one that waits for nothing.
public protocol ModelClock: TimeSource {
    /// Returns when the time has passed.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    func sleep(for duration: Duration) async throws
}

/// The steady clock of the host.
public struct SteadyModelClock: ModelClock {
    private let source: any TimeSource

    public init(_ source: any TimeSource = AnchoredClock()) { self.source = source }

    public func now() -> Timestamp { source.now() }

    public func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}
