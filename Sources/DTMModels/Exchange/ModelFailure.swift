public import DTMCore

/// Why a model gave no advice. It holds nothing that a provider sent, and no key.
public struct ModelFailure: DescribedError, Equatable {
    /// What went wrong; equality compares these alone.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// No connection, or no name.
        case unreachable
        /// Nothing came in time, or not all of it.
        case timedOut
        /// The connection ended in the middle of the reply.
        case brokenOff
        /// The provider sends us elsewhere, where we do not go.
        case redirected
        /// The provider says no, in a way that another request would not change.
        case rejected
        /// The provider is in trouble.
        case serverError
        /// Too many requests.
        case rateLimited
        /// The account is spent.
        case quota
        /// The key is not accepted, or missing.
        case unauthorized
        /// The provider does not have the model.
        case modelUnknown
        /// The reply is no JSON by its type.
        case contentType
        /// The reply is too long.
        case tooLarge
        /// The reply, or the answer in it, breaks a rule.
        case malformed
        /// The model does not want to answer.
        case refused
        /// The answer was cut at the limit of tokens.
        case truncated
        /// The provider holds the answer back.
        case filtered
        /// It has failed three times and is left alone for a while.
        case breakerOpen
        /// The provider said when it may be asked again.
        case onHold
        /// Its requests or tokens of this minute are used up.
        case throttled
        /// Its requests or tokens of this day are used up.
        case budgetSpent
        /// The key can't be read.
        case noKey
        /// There was no time left.
        case noTime
        case cancelled
    }

    public let code: Code
    /// Which model, as `openai gpt-5 at api.openai.com`.
    public let model: String
    /// The status or the rule; of our own words.
    private let detail: String?
    /// What the caller's own sources say, as that a key file can't be read.
    public let cause: (any Error)?

    init(_ code: Code, of model: String, detail: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.model = model
        self.detail = detail
        self.cause = cause
    }

    public var codeName: String { "models.\(code.rawValue)" }

    public var message: String { "\(model) \(Self.texts[code] ?? "failed")" + (detail.map { " (\($0))" } ?? "") }

    public var hint: String? {
        switch code {
        case .unauthorized: "check the key, and that it may use this model"
        case .noKey: "give it a keyFile or a credential, or put openai_api_key into the configuration"
        case .quota: "look at the account's balance and limits at the provider"
        case .modelUnknown: "check the model's name"
        case .truncated: "raise maximumTokens of the model"
        case .budgetSpent: "it is asked again tomorrow (UTC); or raise dailyRequests or dailyTokens of the model"
        case .redirected: "give the URL that it leads to"
        default: nil
        }
    }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    private static let texts: [Code: String] = [
        .unreachable: "can't be reached", .timedOut: "did not answer in time",
        .brokenOff: "went away in the middle of its reply", .redirected: "sends its callers elsewhere",
        .rejected: "does not take the request", .serverError: "is in trouble",
        .rateLimited: "takes no more requests for now", .quota: "has a spent account",
        .unauthorized: "does not accept the key", .modelUnknown: "does not exist there",
        .contentType: "replied with something else than JSON", .tooLarge: "replied with too much",
        .malformed: "gave an answer that breaks a rule", .refused: "refuses to answer",
        .truncated: "gave an answer that was cut off", .filtered: "had its answer held back",
        .breakerOpen: "has failed too often and is left alone for five minutes",
        .onHold: "has asked to be left alone for a while", .throttled: "has had its requests of this minute",
        .budgetSpent: "has had its requests or tokens of this day", .noKey: "has no key",
        .noTime: "could not be asked in the time there was", .cancelled: "was not waited for",
    ]
}
