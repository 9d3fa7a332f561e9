/// How often something took how long, in buckets whose width doubles.
public struct TimingReport: Codable, Hashable, Sendable {
    public var count: UInt64
    /// In microseconds, as all that follows: of half of them, of 99 of 100, and the longest. 0 while there is none.
    public var p50Micros: UInt64
    public var p99Micros: UInt64
    public var maximumMicros: UInt64
    /// `buckets[i]` took less than 2^i µs and, from the second on, at least 2^(i−1) µs. Without the empty ones at the end.
    public var buckets: [UInt64]

    public init(
        count: UInt64 = 0, p50Micros: UInt64 = 0, p99Micros: UInt64 = 0, maximumMicros: UInt64 = 0,
        buckets: [UInt64] = []
    ) {
        self.count = count
        self.p50Micros = p50Micros
        self.p99Micros = p99Micros
        self.maximumMicros = maximumMicros
        self.buckets = buckets
    }
}

extension TunnelReport {
    /// How long things took since the tunnel was made.
    public struct Timings: Codable, Hashable, Sendable {
        /// From the moment at which a rotation was due to the new endpoint being live.
        public var rotation: TimingReport
        /// TLS handshakes of the tunnel with itself through each new endpoint.
        public var handshake: TimingReport
        /// From the acceptance of a client's connection to its end.
        public var lifetime: TimingReport

        public init(
            rotation: TimingReport = .init(), handshake: TimingReport = .init(), lifetime: TimingReport = .init()
        ) {
            self.rotation = rotation
            self.handshake = handshake
            self.lifetime = lifetime
        }
    }
}
