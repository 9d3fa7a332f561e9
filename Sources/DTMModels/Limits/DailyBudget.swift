import DTMCore

/// What a model has had of this day, in UTC.
struct DailyBudget: Hashable, Sendable {
    private var day: Int64 = .min
    private(set) var requests = 0
    private(set) var tokens = 0

    /// Begins anew on another day.
    mutating func turn(to now: Timestamp) {
        let today = now.seconds / 86_400
        guard today != day else { return }
        day = today
        requests = 0
        tokens = 0
    }

    mutating func add(requests: Int, tokens: Int) {
        self.requests = max(0, self.requests + requests)
        self.tokens = max(0, min(self.tokens + tokens, 1 << 50))
    }
}
