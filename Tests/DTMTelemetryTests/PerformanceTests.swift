import DTMTestSupport
import DTMCore
import DTMTelemetry
import Testing

@Suite("Timings and performance records")
struct PerformanceTests {
    @Test("Without rotations all figures are 0")
    func empty() {
        let timings = RotationTimings()
        #expect(timings.quantile(0.5) == 0)
        #expect(timings.quantile(1) == 0)
        #expect(timings.maximumMicroseconds == 0)
    }

    @Test("Short durations are exact")
    func exact() {
        var timings = RotationTimings()
        for value in 1...63 as ClosedRange<UInt32> { timings.record(microseconds: value) }
        #expect(timings.quantile(0.5) == 32)
        #expect(timings.quantile(0) == 1)
        #expect(timings.quantile(1) == 63)
    }

    @Test("A quantile is never too low and at most 1/32 too high", arguments: [1, 2, 3, 4] as [UInt64])
    func accuracy(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var timings = RotationTimings()
        var values: [UInt32] = []
        for _ in 0..<5_000 {
            let value = UInt32.random(in: 0 ... .max, using: &random) >> UInt32.random(in: 0...31, using: &random)
            values.append(value)
            timings.record(microseconds: value)
        }
        values.sort()
        for part in [0.01, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = UInt64(values[max(0, Int((part * 5_000).rounded(.up)) - 1)])
            let estimate = UInt64(timings.quantile(part))
            #expect(estimate >= exact)
            #expect(estimate <= exact + exact / 32 + 1)
        }
        #expect(timings.maximumMicroseconds == values.last)
    }

    @Test("The ends of the range have their place", arguments: [0, 63, 64, 65, .max - 1, .max] as [UInt32])
    func ends(value: UInt32) {
        var timings = RotationTimings()
        timings.record(microseconds: value)
        #expect(timings.quantile(0.5) == value)
        #expect(timings.count == 1)
        timings.reset()
        #expect(timings == RotationTimings())
    }

    @Test("A part that is no part is clamped", arguments: [-1, 2, .nan, .infinity] as [Double])
    func oddParts(part: Double) {
        var timings = RotationTimings()
        timings.record(microseconds: 5)
        #expect([0, 5].contains(timings.quantile(part)))
    }

    @Test("A record becomes one event for the manager and one for each tunnel")
    func events() {
        var timings = RotationTimings()
        for value in [10, 20, 30, 60] as [UInt32] { timings.record(microseconds: value) }
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
