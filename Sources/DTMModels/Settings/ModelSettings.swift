public import DTMCore

/// How models are asked.
public struct ModelSettings: Hashable, Sendable {
    /// In the order in which they are asked; empty: none is, and no name is resolved.
    public var models: [ModelEndpoint]
    /// How often the caller asks. All attempts of one consultation end within it, or within 2 minutes.
    public var interval: Duration
    /// How long an answer is as good as a new one.
    public var cacheLifetime = Duration.seconds(900)
    /// After this time a model is asked again although nothing has changed.
    public var refresh = Duration.seconds(3_600)

    public init(models: [ModelEndpoint] = [], interval: Duration = .seconds(60)) {
        self.models = Array(models.prefix(ModelEndpoint.maximumCount))
        self.interval = interval
    }

    /// How long one consultation may take.
    var limit: Duration { min(max(interval, .seconds(5)), .seconds(120)) }
}
