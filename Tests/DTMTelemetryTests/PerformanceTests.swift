import DTMTestSupport
import DTMCore
import DTMTelemetry
import Testing

@Suite("Timings and performance records")
struct PerformanceTests {
    @Test("Without rotations all figures are 0")
    func empty() {
        let timings = DurationHistogram()
        #expect(timings.quantile(0.5) == 0)
        #expect(timings.quantile(1) == 0)
        #expect(timings.maximumMicroseconds == 0)
    }

    @Test("Short durations are exact")
    func exact() {
        var timings = DurationHistogram()
        for value in 1...63 as ClosedRange<UInt64> { timings.record(microseconds: value) }
        #expect(timings.quantile(0.5) == 32)
        #expect(timings.quantile(0) == 1)
        #expect(timings.quantile(1) == 63)
    }

    @Test("A quantile is never too low and at most 1/32 too high", arguments: [1, 2, 3, 4] as [UInt64])
    func accuracy(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var timings = DurationHistogram()
        var values: [UInt64] = []
        for _ in 0..<5_000 {
            let value = UInt64.random(in: 0..<1 << 42, using: &random) >> UInt64.random(in: 0...41, using: &random)
            values.append(value)
            timings.record(microseconds: value)
        }
        values.sort()
        for part in [0.01, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = values[max(0, Int((part * 5_000).rounded(.up)) - 1)]
            let estimate = timings.quantile(part)
            #expect(estimate >= exact)
            #expect(estimate <= exact + exact / 32 + 1)
        }
        #expect(timings.maximumMicroseconds == values.last)
    }

    @Test("The ends of the range have their place", arguments: [0, 63, 64, 65, 1 << 32, 1 << 42 - 1] as [UInt64])
    func ends(value: UInt64) {
        var timings = DurationHistogram()
        timings.record(microseconds: value)
        #expect(timings.quantile(0.5) == value)
        #expect(timings.count == 1)
        timings.reset()
        #expect(timings == DurationHistogram())
    }

    @Test("What takes longer than the longest step is in it, and its length is kept")
    func beyond() {
        var timings = DurationHistogram()
        for value in [1 << 42, .max] as [UInt64] { timings.record(microseconds: value) }
        #expect(timings.quantile(0.5) == 1 << 42 - 1)
        #expect(timings.maximumMicroseconds == .max)
        #expect(timings.doublings.count == 43 && timings.doublings.last == 2)
    }

    @Test("Doublings count what is below a power of two and not below the one before")
    func doublings() {
        var timings = DurationHistogram()
        #expect(timings.doublings == [])
        for value in [0, 1, 2, 3, 4, 63, 64, 127, 128] as [UInt64] { timings.record(microseconds: value) }
        #expect(timings.doublings == [1, 1, 2, 1, 0, 0, 1, 2, 1])
        var random = SeededGenerator(seed: 7)
        var counts = [UInt64](repeating: 0, count: 43)
        timings.reset()
        for _ in 0..<2_000 {
            let value = UInt64.random(in: 0..<1 << 42, using: &random) >> UInt64.random(in: 0...41, using: &random)
            timings.record(microseconds: value)
            counts[64 - value.leadingZeroBitCount] += 1
        }
        while counts.last == 0 { counts.removeLast() }
        #expect(timings.doublings == counts)
    }

    @Test("A part that is no part is clamped", arguments: [-1, 2, .nan, .infinity] as [Double])
    func oddParts(part: Double) {
        var timings = DurationHistogram()
        timings.record(microseconds: 5)
        #expect([0, 5].contains(timings.quantile(part)))
    }

    @Test("A record becomes one event for the manager and one for each tunnel")
    func events() {
        var timings = DurationHistogram()
        for value in [10, 20, 30, 60] as [UInt64] { timings.record(microseconds: value) }
        let tunnels = ["redis", "web"].map {
            PerformanceRecord.Tunnel(
                name: $0, bytesInPerSecond: 10.128, bytesOutPerSecond: 2, connections: 3, rotations: timings)
        }
        let record = PerformanceRecord(cpuPercent: 1.239, residentBytes: 100, lockedBytes: 8, tunnels: tunnels)
        let events = record.events(at: Timestamp(seconds: 5))
        #expect(events.map(\.tunnel) == [nil, "redis", "web"])
        #expect(events.allSatisfy { $0.kind == "performance.record" && $0.severity == .info })
        #expect(events[0].detail["cpuPercent"] == .double(1.24))
        #expect(events[0].detail["connections"] == 6)
        #expect(events[0].detail["bytesInPerSecond"] == .double(20.26))
        #expect(events[1].detail["rotationP50Micros"] == 20)
        #expect(events[1].detail["rotationP99Micros"] == 60)
        #expect(events[1].detail["rotationMaximumMicros"] == 60)
        #expect(events[1].detail["rotations"] == 4)
    }
}
