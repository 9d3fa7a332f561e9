/// The limit of ``withDeadline(_:_:)`` was reached.
struct DeadlinePassed: Error {}

/// Runs `operation` and cancels it when it takes longer than `limit`.
///
/// - Throws: ``DeadlinePassed`` when the limit was reached, and what `operation` throws.
func withDeadline<Value: Sendable>(
    _ limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else { throw DeadlinePassed() }
        return value
    }
}
