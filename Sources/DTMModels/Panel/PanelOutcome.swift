public import DTMCore

/// What came of a consultation. Nothing of it is an error to its caller: the embedded analyst goes on in any case.
public struct PanelOutcome: Hashable, Sendable {
    /// Where an advice comes from.
    public enum Origin: Hashable, Sendable {
        /// A model was asked.
        case asked
        /// The same was asked a short while ago.
        case cache
        /// Nothing notable has changed since this advice was given.
        case unchanged
    }

    /// A model's advice; nil when the embedded analyst is alone.
    public var advice: ModelAdvice?
    /// Where it comes from; nil with the advice.
    public var origin: Origin?
    /// Why those models that come before gave none, in their order.
    public var failures: [FailedModel] = []

    /// A model that gave no advice.
    public struct FailedModel: Hashable, Sendable {
        /// Its place in the settings.
        public var index: Int
        public var code: ModelFailure.Code
        /// For people: a line, and below it what led to it.
        public var message: String
        /// What to do next, when there is something to do.
        public var hint: String?

        init(_ failure: ModelFailure, at index: Int) {
            self.index = index
            code = failure.code
            message = failure.description
            hint = failure.hint
        }
    }

    static func told(_ advice: ModelAdvice, _ origin: Origin, after failures: [FailedModel] = []) -> Self {
        Self(advice: advice, origin: origin, failures: failures)
    }
}

/// How one model of the panel does.
public struct ProviderHealth: Hashable, Sendable {
    /// Whether it may be asked.
    public enum State: Hashable, Sendable {
        case ready
        /// It has failed three times in a row.
        case open
        /// The next consultation decides whether it is well again.
        case halfOpen
        /// It has asked to be left alone.
        case onHold(until: Timestamp)
        case budgetSpent
    }

    public var provider: ModelProvider
    /// The name that it is asked by now.
    public var model: String
    public var host: String
    public var state: State
    /// Failed consultations since the last advice.
    public var failures: Int
    public var lastFailure: ModelFailure.Code?
    public var lastAdvice: Timestamp?
    /// How the answer's form is asked for: `json_schema`, `json_object` or `prompt`.
    public var mode: String
    public var requestsToday: Int
    public var tokensToday: Int
}

/// Exactly what would be sent to one model, but for the key.
public struct ShownRequest: Hashable, Sendable {
    public var url: String
    /// The key's is there with asterisks.
    public var headers: [String]
    /// JSON, byte for byte.
    public var body: String
}
