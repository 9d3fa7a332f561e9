public import DTMCore

/// What surfaces show of a subject.
extension SubjectProfile {
    /// One series at this moment.
    public struct Figures: Hashable, Sendable {
        public var metric: Metric
        public var now: Double?
        public var minute: Double?
        public var hour: Double?
        /// Nil for what is not judged.
        public var score: Double?
        public var recent: [Float]
    }

    /// In the order of ``Metric``.
    public var figures: [Figures] {
        Metric.allCases.compactMap { metric in
            series[metric].map { profile in
                let minutes = profile.history.recentMinutes.suffix(60)
                let hour = minutes.isEmpty ? nil : Double(minutes.reduce(0, +)) / Double(minutes.count)
                return Figures(
                    metric: metric, now: profile.history.latest, minute: profile.history.mean(ofSeconds: 60),
                    hour: hour, score: profile.detector == nil ? nil : profile.score,
                    recent: profile.history.recentSeconds)
            }
        }
    }

    /// Whether too little was seen to say what is unusual.
    public var isLearning: Bool { series.values.contains { $0.isLearning } }

    /// What is unlike before, in sentences.
    public func reasons(at now: Timestamp) -> [String] {
        episodes.map { metric, episode in
            episode.words(metric, at: now)
                + (episode.followsDeployment ? " (the application was started anew; it is learnt again)" : "")
        }
    }
}
