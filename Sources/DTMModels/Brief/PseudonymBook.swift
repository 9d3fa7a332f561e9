/// Which application has which pseudonym: stable for one installation, and bounded.
///
/// Its life: take an empty one, or the one of the sealed state → ``pseudonym(for:)`` for each application of a brief →
/// keep it with the sealed state. It holds the applications' names, so that it never leaves the host, and is a secret of
/// no kind. The application that was met longest ago makes room for a new one; its number is not used again.
public struct PseudonymBook: Hashable, Sendable {
    /// The most applications that are remembered.
    public static let maximumCount = 1_024
    /// The longest name in bytes of UTF-8; longer ones are known by their beginning.
    public static let maximumNameBytes = 256

    private struct Entry: Hashable, Sendable, Codable {
        var number: Int
        var lastMet: UInt64
    }

    private var entries: [String: Entry] = [:]
    private var nextNumber = 1
    private var meetings: UInt64 = 0

    /// An empty one.
    public init() {}

    /// How many pseudonyms were given out, for applications that were forgotten too.
    public var issued: Int { nextNumber - 1 }

    /// How many applications are remembered.
    public var count: Int { entries.count }

    /// The application's pseudonym, which is a new one at the first time.
    ///
    /// - Parameter application: whatever names it for good on this host, as its stable name and its user.
    public mutating func pseudonym(for application: String) -> Pseudonym {
        let name = Self.bounded(application)
        meetings &+= 1
        if let known = entries[name] {
            entries[name] = Entry(number: known.number, lastMet: meetings)
            return Pseudonym(number: known.number)
        }
        if entries.count >= Self.maximumCount { forgetTheOldest() }
        let number = nextNumber
        nextNumber += 1
        entries[name] = Entry(number: number, lastMet: meetings)
        return Pseudonym(number: number)
    }

    /// The application behind a pseudonym, for showing an answer on this host; nil when it was forgotten.
    public func application(of pseudonym: Pseudonym) -> String? {
        entries.first { $0.value.number == pseudonym.number }?.key
    }

    private mutating func forgetTheOldest() {
        guard let oldest = entries.min(by: { $0.value.lastMet < $1.value.lastMet }) else { return }
        entries[oldest.key] = nil
    }

    private static func bounded(_ name: String) -> String {
        name.utf8.count <= maximumNameBytes ? name : String(decoding: name.utf8.prefix(maximumNameBytes), as: UTF8.self)
    }
}

extension PseudonymBook: Codable {
    private enum CodingKeys: String, CodingKey {
        case entries, nextNumber
    }

    /// - Throws: `DecodingError` when there are too many entries, a name is too long, or two have one number.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        entries = try values.decode([String: Entry].self, forKey: .entries)
        nextNumber = try values.decode(Int.self, forKey: .nextNumber)
        meetings = entries.values.map(\.lastMet).max() ?? 0
        let numbers = Set(entries.values.map(\.number))
        let areNamesShort = entries.keys.allSatisfy { $0.utf8.count <= Self.maximumNameBytes }
        guard entries.count <= Self.maximumCount, areNamesShort, numbers.count == entries.count,
            (1...Int(Int32.max)).contains(nextNumber), numbers.allSatisfy({ $0 >= 1 && $0 < nextNumber })
        else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a book of pseudonyms"))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(entries, forKey: .entries)
        try values.encode(nextNumber, forKey: .nextNumber)
    }
}
