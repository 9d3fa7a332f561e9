import DTMAnalysis
import DTMTestSupport
import Glibc

/// Series for tests: seeded, five minutes a step.
enum MadeSeries {
    static func normal(_ generator: inout SeededGenerator) -> Double {
        let first = Double.random(in: 1e-12...1, using: &generator)
        return sqrt(-2 * log(first)) * cos(2 * .pi * Double.random(in: 0...1, using: &generator))
    }

    static func logarithm(_ value: Double) -> Double { log(value) }

    static func samples(_ count: Int, from start: Int = 0, _ value: (Int) -> Double) -> [SeriesSample] {
        (start..<start + count).map { SeriesSample(time: 1_700_006_400 + 300 * Double($0), value: value($0)) }
    }

    /// Noise about a level.
    static func noise(_ count: Int, level: Double = 50, spread: Double = 2, seed: UInt64 = 1) -> [SeriesSample] {
        var generator = SeededGenerator(seed: seed)
        return samples(count) { _ in level + spread * normal(&generator) }
    }

    /// Anything that a broken source may send.
    static func hostile(_ count: Int, seed: UInt64) -> [SeriesSample] {
        var generator = SeededGenerator(seed: seed)
        let values: [Double] = [
            0, -0.0, 1, -1, .nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 1e18, -1e18,
        ]
        var time = 1_700_000_000.0
        return (0..<count).map { _ in
            switch Int.random(in: 0..<12, using: &generator) {
            case 0: time = Double(bitPattern: generator.next())
            case 1: time = 1_700_000_000
            default: time += Double.random(in: -100...1_000, using: &generator)
            }
            let value: Double =
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: values.randomElement(using: &generator) ?? 0
                case 1: Double(bitPattern: generator.next())
                default: Double.random(in: 0...100, using: &generator)
                }
            return SeriesSample(time: time, value: value)
        }
    }
}

extension StreamingDetector {
    mutating func scores(_ samples: [SeriesSample]) -> [Double] { samples.map { observe($0).score } }
}

extension [Double] {
    /// Where an alarm is.
    var alarms: [Int] { indices.filter { self[$0] >= SeriesDetector.threshold } }
}
