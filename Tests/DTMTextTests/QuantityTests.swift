import DTMCore
import Testing

@testable import DTMText

@Suite struct QuantityTests {
    @Test(arguments: [
        (UInt64(0), "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (102_400, "100 KiB"),
        (1_048_575, "1.0 MiB"), (1 << 30, "1.0 GiB"), (.max, "16.0 EiB"),
    ])
    func `Sizes have at most four characters before their unit`(count: UInt64, expected: String) {
        #expect(Quantity.bytes(count) == expected)
    }

    @Test(arguments: [
        (0.0, "0 s"), (-1, "0 s"), (0.000_35, "350 µs"), (0.25, "250 ms"), (0.999_7, "1 s"), (7.2, "7 s"),
        (59.7, "1 min"),
        (185, "3 min 5 s"), (3_599.7, "1 h"), (11_530, "3 h 12 min"), (86_399, "1 d"), (187_200, "2 d 4 h"),
        (1e300, "37500000000000000 d"),
    ])
    func `Durations have the two units that matter`(seconds: Double, expected: String) {
        #expect(Quantity.duration(seconds: seconds) == expected)
    }

    @Test(arguments: [
        (Int64(7_000), "in 7 s"), (-90_000, "2 min ago"), (300, "now"), (-300, "now"), (900, "in 900 ms"),
        (3_594_000, "in 1 h"), (2_592_000_000, "in 30 d"),
    ])
    func `Moments are seen from now`(milliseconds: Int64, expected: String) {
        let now = Timestamp(seconds: 1_800_000_000)
        #expect(Quantity.relative(now + .milliseconds(milliseconds), to: now) == expected)
    }

    @Test func `A moment that is none is shown as it came`() {
        #expect(Quantity.relative("soon", to: Timestamp(seconds: 0)) == "soon")
    }

    @Test(arguments: [
        (1_536, "B", "1.5 KiB"), (1_536, "B/s", "1.5 KiB/s"), (-5, "B", "0 B"), (.nan, "B", "?"),
        (2.25, "1/s", "2.3/s"),
        (99.94, "%", "99.9 %"), (140.4, "s", "140 s"), (3, "", "3.0"), (-1e300, "", "-90000000000000000.0"),
    ])
    func `A measured value has its unit, and tenths where they matter`(_ value: Double, _ unit: String, _ text: String)
    {
        #expect(Quantity.measured(value, unit: unit) == text)
    }

    @Test(arguments: [(0.44, "0.4 %"), (99.96, "100.0 %"), (.nan, "? %"), (.infinity, "? %"), (-0.5, "-0.5 %")])
    func `Shares have one decimal`(value: Double, expected: String) {
        #expect(Quantity.percent(value) == expected)
    }
}
