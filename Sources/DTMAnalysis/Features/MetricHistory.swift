/// The past of one metric in three grains: seconds, minutes, hours. Bounded: what is older is gone.
public struct MetricHistory: Hashable, Sendable {
    /// How many of each grain are kept: two minutes, four hours, two weeks.
    public static let seconds = 120
    public static let minutes = 240
    public static let hours = 336

    var bySecond = Ring(capacity: Self.seconds)
    var byMinute = Ring(capacity: Self.minutes)
    var byHour = Ring(capacity: Self.hours)
    var minute = Mean()
    var hour = Mean()

    public init() {}

    /// Takes the value of one second. Only finite ones count.
    public mutating func append(_ value: Double) {
        guard value.isFinite else { return }
        let value = min(max(value, -Bounds.value), Bounds.value)
        bySecond.append(Float(value))
        minute.add(value)
        guard minute.count == 60 else { return }
        let mean = minute.take()
        byMinute.append(Float(mean))
        hour.add(mean)
        if hour.count == 60 { byHour.append(Float(hour.take())) }
    }

    /// The latest value.
    public var latest: Double? { bySecond.last.map { Double($0) } }
    /// The latest two minutes, a value a second, the oldest first.
    public var recentSeconds: [Float] { bySecond.values }
    /// The latest four hours, the mean of each minute, the oldest first.
    public var recentMinutes: [Float] { byMinute.values }
    /// The latest two weeks, the mean of each hour, the oldest first.
    public var recentHours: [Float] { byHour.values }

    /// The mean of the last `count` seconds, fewer when there are not so many.
    public func mean(ofSeconds count: Int) -> Double? {
        let values = bySecond.values.suffix(count)
        guard !values.isEmpty else { return nil }
        return values.reduce(0) { $0 + Double($1) } / Double(values.count)
    }

    /// The mean of a run of values.
    struct Mean: Hashable, Sendable {
        var sum = 0.0
        var count = 0

        mutating func add(_ value: Double) {
            sum += value
            count += 1
        }

        mutating func take() -> Double {
            defer { self = Mean() }
            return sum / Double(max(1, count))
        }
    }
}

/// The latest of many values. It grows to its capacity, and then gives up the oldest for each new one.
struct Ring: Hashable, Sendable {
    let capacity: Int
    private var storage: [Float] = []
    private var next = 0

    init(capacity: Int) { self.capacity = capacity }

    mutating func append(_ value: Float) {
        if storage.count < capacity {
            storage.append(value)
        } else {
            storage[next] = value
        }
        next = (next + 1) % capacity
    }

    var count: Int { storage.count }
    var last: Float? { storage.isEmpty ? nil : storage[(next + capacity - 1) % capacity] }

    /// The oldest first.
    var values: [Float] { storage.count < capacity ? storage : Array(storage[next...] + storage[..<next]) }
}
