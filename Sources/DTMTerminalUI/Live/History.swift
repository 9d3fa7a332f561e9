/// The latest samples of a figure, one a second; nil where it was not known.
struct History: Hashable, Sendable {
    /// Two minutes.
    static let capacity = 120
    private(set) var samples: [Double?] = []

    mutating func add(_ sample: Double?) {
        // Nothing is kept of what was never known.
        if sample == nil, samples.isEmpty { return }
        if samples.count >= Self.capacity { samples.removeFirst(samples.count - Self.capacity + 1) }
        samples.append(sample)
    }

    /// The largest of the latest `count`; 0 when there is none.
    func maximum(latest count: Int) -> Double { samples.suffix(count).reduce(0) { max($0, $1 ?? 0) } }
}
