public import DTMCore

/// Turns a flood of equal incidents into a few events that carry counts.
///
/// Each pair of kind and tunnel has a token bucket: a burst passes one by one, then one event passes per interval and
/// stands for all that were held back. A value without a clock or a lock of its own; its owner calls ``flush(now:)``
/// about once a second so that the tail of a flood is told as well.
public struct IncidentLimiter: Sendable {
    /// What is limited apart.
    public struct Key: Hashable, Sendable {
        public var kind: String
        public var tunnel: String?

        public init(kind: String, tunnel: String?) {
            self.kind = kind
            self.tunnel = tunnel
        }
    }

    /// Incidents that were held back and are now to be told in one event.
    public struct Backlog: Hashable, Sendable {
        public var key: Key
        public var count: UInt64
    }

    private struct Bucket {
        var tokens: Int
        var refilledAt: Timestamp
        var held: UInt64 = 0
    }

    /// Events that pass at once after a quiet time.
    public let burst: Int
    /// The time after which one more may pass.
    public let interval: Duration
    /// The most keys that are told apart; above it the quietest is forgotten.
    public let maximumKeys: Int
    private var buckets: [Key: Bucket] = [:]

    public init(burst: Int = 5, interval: Duration = .seconds(10), maximumKeys: Int = 1_024) {
        self.burst = max(1, burst)
        self.interval = max(.milliseconds(1), interval)
        self.maximumKeys = max(1, maximumKeys)
    }

    /// Says whether an incident becomes an event: the number of incidents that the event stands for, itself and those
    /// held back before it included, or nil when it is held back.
    ///
    /// - Parameter count: How many incidents this report stands for already.
    public mutating func admit(kind: String, tunnel: String?, count: UInt64 = 1, now: Timestamp) -> UInt64? {
        let key = Key(kind: kind, tunnel: tunnel)
        var bucket = refilled(buckets[key] ?? Bucket(tokens: burst, refilledAt: now), now: now)
        if buckets[key] == nil { makeRoom() }
        defer { buckets[key] = bucket }
        let (total, overflow) = bucket.held.addingReportingOverflow(count)
        bucket.held = overflow ? .max : total
        guard bucket.tokens > 0 else { return nil }
        bucket.tokens -= 1
        defer { bucket.held = 0 }
        return bucket.held
    }

    /// What was held back and may be told by now; buckets that have been quiet are dropped.
    public mutating func flush(now: Timestamp) -> [Backlog] {
        var backlog: [Backlog] = []
        for (key, stored) in buckets {
            var bucket = refilled(stored, now: now)
            if bucket.held > 0, bucket.tokens > 0 {
                backlog.append(Backlog(key: key, count: bucket.held))
                bucket.held = 0
                bucket.tokens -= 1
            }
            buckets[key] = bucket.held == 0 && bucket.tokens == burst ? nil : bucket
        }
        return backlog.sorted { ($0.key.kind, $0.key.tunnel ?? "") < ($1.key.kind, $1.key.tunnel ?? "") }
    }

    /// Time that runs backwards refills nothing and starts the wait anew.
    private func refilled(_ bucket: Bucket, now: Timestamp) -> Bucket {
        var bucket = bucket
        let elapsed = (now - bucket.refilledAt).wholeNanoseconds
        if elapsed < 0 {
            bucket.refilledAt = now
            return bucket
        }
        let gained = elapsed / max(1, interval.wholeNanoseconds)
        guard gained > 0 else { return bucket }
        bucket.tokens = Int(min(Int64(burst), Int64(bucket.tokens) + min(gained, Int64(burst))))
        bucket.refilledAt = bucket.tokens == burst ? now : bucket.refilledAt + interval * Int(gained)
        return bucket
    }

    /// Forgets the key that was refilled longest ago among those that hold nothing back, or else any such.
    private mutating func makeRoom() {
        guard buckets.count >= maximumKeys else { return }
        let quiet = buckets.filter { $0.value.held == 0 }
        let oldest = (quiet.isEmpty ? buckets : quiet).min { $0.value.refilledAt < $1.value.refilledAt }
        if let oldest { buckets[oldest.key] = nil }
    }
}
