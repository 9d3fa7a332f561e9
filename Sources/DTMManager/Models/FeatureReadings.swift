import DTMAnalysis
import DTMModels

/// Numbers of the closed list, out of what the analyst measured.
struct FeatureReadings: Hashable, Sendable {
    private(set) var now: [Feature: Double] = [:]
    private(set) var usual: [Feature: Double] = [:]

    init() {}

    /// Of one tunnel or application: its last minute, and its last hour for what is usual.
    init(_ figures: [SubjectProfile.Figures]) {
        for figure in figures {
            switch figure.metric {
            case .duration: now[.medianDurationSeconds] = Self.median(figure.recent)
            case .interArrival:
                now[.medianIntervalSeconds] = Self.median(figure.recent)
                now[.intervalRegularity] = Self.regularity(figure.recent)
            default:
                guard let (feature, factor) = figure.metric.feature else { continue }
                now[feature] = figure.minute.map { $0 * factor }
                usual[feature] = figure.hour.map { $0 * factor }
            }
        }
        now[.embeddedScore] = figures.compactMap(\.score).max().map { $0 * 100 }
    }

    /// Takes those of another tunnel of the same application.
    mutating func add(_ other: Self) {
        for (feature, value) in other.now { now[feature] = Self.together(feature, now[feature], value) }
        for (feature, value) in other.usual { usual[feature] = Self.together(feature, usual[feature], value) }
    }

    private static func together(_ feature: Feature, _ known: Double?, _ value: Double) -> Double {
        guard let known else { return value }
        return notSummed.contains(feature) ? max(known, value) : known + value
    }

    /// Of several tunnels the greatest counts.
    private static let notSummed: Set<Feature> = [
        .medianDurationSeconds, .medianIntervalSeconds, .intervalRegularity, .embeddedScore,
    ]

    private static func median(_ values: [Float]) -> Double? {
        let sorted = values.sorted()
        return sorted.isEmpty ? nil : Double(sorted[sorted.count / 2])
    }

    /// 1 less the median distance from the median, in medians; nil for what is too few to tell.
    private static func regularity(_ values: [Float]) -> Double? {
        guard values.count >= 8, let middle = median(values), middle > 0 else { return nil }
        let distances = values.map { abs($0 - Float(middle)) }
        return median(distances).map { max(0, 1 - $0 / middle) }
    }
}

extension Metric {
    /// What it is called in a brief, and how many of its unit are one there; nil: it is told otherwise, or not at all.
    fileprivate var feature: (Feature, factor: Double)? {
        switch self {
        case .opened: (.connectionsPerMinute, 60)
        case .active: (.concurrentConnections, 1)
        case .failed: (.failedConnectionsPerMinute, 60)
        case .rejected: (.handshakeFailuresPerMinute, 60)
        case .bytesIn: (.bytesInPerMinute, 60)
        case .bytesOut: (.bytesOutPerMinute, 60)
        case .identities: (.distinctIdentities, 1)
        case .peers: (.distinctPeers, 1)
        case .touches: (.decoyTouches, 60)
        case .cpu: (.processorPercent, 1)
        case .memory: (.memoryBytes, 1)
        case .descriptors: (.openDescriptors, 1)
        case .threads: (.threads, 1)
        case .duration, .interArrival, .connections: nil
        }
    }
}
