/// What may be told of an application in numbers. The list is closed: what is not on it does not leave the host.
public enum Feature: String, Hashable, Sendable, CaseIterable {
    case connectionsPerMinute = "connections_per_minute"
    case concurrentConnections = "concurrent_connections"
    case failedConnectionsPerMinute = "failed_connections_per_minute"
    case bytesInPerMinute = "bytes_in_per_minute"
    case bytesOutPerMinute = "bytes_out_per_minute"
    case medianDurationSeconds = "median_duration_seconds"
    case medianIntervalSeconds = "median_seconds_between_connections"
    /// 0–1: 1 is a clockwork.
    case intervalRegularity = "interval_regularity"
    case distinctIdentities = "distinct_identities"
    case distinctPeers = "distinct_peers"
    case handshakeFailuresPerMinute = "handshake_failures_per_minute"
    case decoyTouches = "decoy_touches"
    case staleTouches = "stale_endpoint_touches"
    case processorPercent = "cpu_percent"
    case memoryBytes = "memory_bytes"
    case openDescriptors = "open_descriptors"
    case threads = "threads"
    /// 0–100: what the embedded analyst makes of it.
    case embeddedScore = "embedded_score"
}

/// A number told by its size alone: steps of 1, 2 and 5 within each power of ten, so that noise tells nothing.
struct FeatureStep: Hashable, Sendable, Comparable {
    /// 0 for nothing; 1 is 0.001, and each step after it the next of 0.002, 0.005, 0.01 and so on.
    let index: Int
    /// The number itself, for telling whether a later one is far from it. It is told nobody.
    private let number: Double

    /// How far a number has to be from the one that was told before, as a factor.
    static let farAway = 2.5

    /// The highest there is, 10^15.
    static let maximumIndex = 55

    private static let bounds: [Double] = (0..<maximumIndex).map { step in
        let mantissa = [1.0, 2.0, 5.0][step % 3]
        return (0..<(step / 3)).reduce(mantissa * 0.001) { value, _ in value * 10 }
    }

    private static let texts: [String] = (0..<maximumIndex).map { step in
        let digit = ["1", "2", "5"][step % 3]
        let power = step / 3 - 3
        return power >= 0
            ? digit + String(repeating: "0", count: power)
            : "0." + String(repeating: "0", count: -power - 1) + digit
    }

    /// The step at or below `value`; what is no number, or below 0.001, is nothing.
    init(_ value: Double) {
        guard value.isFinite || value == .infinity, value >= Self.bounds[0] else {
            index = 0
            number = 0
            return
        }
        number = value
        // A little above, so that 0.1 + 0.2 is 0.3.
        index = Self.bounds.lastIndex { $0 <= value * (1 + 1e-12) }.map { $0 + 1 } ?? 0
    }

    var text: String { index == 0 ? "0" : Self.texts[index - 1] }

    /// The step of `value`, or this one while they are not far from each other; what was nothing, while there is less
    /// than two of it. So noise does not make what is told move to and fro.
    func settled(by value: Double) -> FeatureStep {
        guard index > 0 else { return value < 2 ? self : FeatureStep(value) }
        return value > number / Self.farAway && value < number * Self.farAway ? self : FeatureStep(value)
    }

    static func == (left: Self, right: Self) -> Bool { left.index == right.index }

    func hash(into hasher: inout Hasher) { hasher.combine(index) }

    static func < (left: Self, right: Self) -> Bool { left.index < right.index }
}
