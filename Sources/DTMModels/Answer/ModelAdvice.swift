public import DTMCore

/// What a model makes of a brief. It is for people: it holds words and a number that may draw attention, and nothing
/// that a response could be made of — no subject, no risk, no finding that could be cleared.
public struct ModelAdvice: Hashable, Sendable {
    /// Who gave it.
    public struct Source: Hashable, Sendable {
        public var provider: ModelProvider
        /// The model's name as it was asked for, an alias resolved.
        public var model: String
    }

    /// What it says of one application.
    public struct Opinion: Hashable, Sendable {
        /// The model's word for it.
        public enum Verdict: String, Hashable, Sendable, CaseIterable {
            case benign, unusual, suspicious, malicious
        }

        public var application: Pseudonym
        public var verdict: Verdict
        /// 0–100: how much of a person's attention it asks for.
        public var attention: Int
        /// At most 400 characters, no control characters. A model's words: show them as such.
        public var summary: String
        /// What it refers to, of what it was told of this application.
        public var evidence: [Evidence]
        /// As ``summary``; nil when there is nothing to do.
        public var recommendation: String?

        /// How much attention an application gets that rules and detectors give `risk`: never less than they ask for, so
        /// that a model's word can't calm anybody. For the order in which things are shown, never for a response.
        public func attention(over risk: Int) -> Int { max(risk, attention) }
    }

    public var source: Source
    /// As ``Opinion/summary``, of all of it.
    public var overall: String
    /// At most one of each application that it was told of, the one that asks for most attention first.
    public var opinions: [Opinion]
}
