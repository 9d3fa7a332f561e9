import DTMCore
import DTMModels

/// Which models fail, and what is said of it: once when one begins to, and once when it is over.
struct ModelWatch: Sendable {
    /// What is to be told of a model.
    enum Change: Hashable, Sendable {
        case failed(PanelOutcome.FailedModel)
        /// Its place in the settings.
        case recovered(Int)
    }

    /// Of one model at most one failure is told in this time, however often it comes and goes.
    static let leastBetween = Duration.seconds(600)

    private struct Trouble: Sendable {
        var code: ModelFailure.Code
        var isTold: Bool
    }
    private var troubles: [Int: Trouble] = [:]
    private var told: [Int: Timestamp] = [:]
    private var messages: [Int: String] = [:]

    mutating func take(_ outcome: PanelOutcome, at now: Timestamp) -> [Change] {
        var changes = outcome.failures.compactMap { fail($0, at: now) }
        // Those before the one that gave advice have all failed.
        guard outcome.origin == .asked, let trouble = troubles.removeValue(forKey: outcome.failures.count) else {
            return changes
        }
        messages[outcome.failures.count] = nil
        if trouble.isTold { changes.append(.recovered(outcome.failures.count)) }
        return changes
    }

    /// What the model in this place said last, until it gives advice again.
    func message(_ index: Int) -> String? { messages[index] }

    private mutating func fail(_ failure: PanelOutcome.FailedModel, at now: Timestamp) -> Change? {
        switch failure.code {
        // These say nothing of the model, or what was said before.
        case .cancelled, .throttled, .noTime, .onHold, .breakerOpen: return nil
        default: break
        }
        messages[failure.index] = failure.message
        let isKnown = troubles[failure.index]?.code == failure.code
        let isSoon = told[failure.index].map { now - $0 < Self.leastBetween } ?? false
        guard !isKnown, !isSoon else {
            let wasTold = troubles[failure.index]?.isTold ?? false
            troubles[failure.index] = Trouble(code: failure.code, isTold: wasTold)
            return nil
        }
        troubles[failure.index] = Trouble(code: failure.code, isTold: true)
        told[failure.index] = now
        return .failed(failure)
    }
}
