import DTMCore

/// Notices when somebody sets the wall clock: it then no longer runs beside the steady one. A pure value.
struct ClockWatch: Hashable, Sendable {
    /// NTP's slewing stays far below this between two looks.
    static let threshold: Duration = .seconds(1)
    private var lastOffset: Duration?

    init() {}

    /// How far the wall clock jumped since the last look, positive when forward; nil when it did not.
    mutating func look(wall: Timestamp, steady: Timestamp) -> Duration? {
        let offset = wall - steady
        defer { lastOffset = offset }
        guard let lastOffset else { return nil }
        let step = offset - lastOffset
        return step > Self.threshold || step < .zero - Self.threshold ? step : nil
    }
}
