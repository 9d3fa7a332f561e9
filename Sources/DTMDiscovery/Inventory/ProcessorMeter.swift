/// How long this thread has kept a core busy since the value was made: what work costs, however busy the host is with
/// others. Only for work without a suspension.
public struct ProcessorMeter: Sendable {
    private let start = LiveInventory.processorTime()

    public init() {}

    /// Until now.
    public var used: Duration { .nanoseconds(LiveInventory.processorTime() - start) }
}
