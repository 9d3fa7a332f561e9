import Crypto
import DTMCore

/// Answers that were judged good, for a while. In memory alone.
struct AnswerCache {
    static let maximumCount = 512

    /// Provider, URL, model, parameters, schema and prompt, by their SHA-256.
    struct Key: Hashable, Sendable {
        private let digest: [UInt8]

        /// - Parameters:
        ///   - url: where the request goes.
        ///   - body: the whole request: it holds the model, its parameters, the schema and the prompt.
        init(provider: ModelProvider, url: String, body: [UInt8]) {
            var hash = SHA256()
            hash.update(data: Array("\(provider.rawValue)\n\(url)\n".utf8))
            hash.update(data: body)
            digest = Array(hash.finalize())
        }
    }

    private struct Entry {
        var advice: ModelAdvice
        var time: Timestamp
    }

    private var entries: [Key: Entry] = [:]
    let lifetime: Duration

    init(lifetime: Duration) { self.lifetime = lifetime }

    var count: Int { entries.count }

    mutating func advice(for key: Key, at now: Timestamp) -> ModelAdvice? {
        guard let entry = entries[key] else { return nil }
        guard now < entry.time + lifetime else {
            entries[key] = nil
            return nil
        }
        return entry.advice
    }

    mutating func keep(_ advice: ModelAdvice, for key: Key, at now: Timestamp) {
        if entries[key] == nil, entries.count >= Self.maximumCount {
            entries = entries.filter { now < $0.value.time + lifetime }
            if entries.count >= Self.maximumCount, let oldest = entries.min(by: { $0.value.time < $1.value.time }) {
                entries[oldest.key] = nil
            }
        }
        entries[key] = Entry(advice: advice, time: now)
    }
}
