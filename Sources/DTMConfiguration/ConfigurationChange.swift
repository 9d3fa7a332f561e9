import DTMCore

/// What differs between two configurations: for the report of a reload, and for deciding whether it needs acceptance.
///
/// A provider's key that was exchanged for another one does not show: neither value holds it.
public struct ConfigurationChange: Hashable, Sendable {
    /// One difference.
    public struct Item: Hashable, Sendable, CustomStringConvertible {
        /// The key, as `rotation.intervalSeconds` or `tunnels[redis].portRange`.
        public var keyPath: String
        /// The old value as JSON; nil when there was none.
        public var old: String?
        /// The new value as JSON; nil when there is none.
        public var new: String?
        /// What a reload does with it.
        public var effect: ChangeEffect
        /// In which respect it lowers protection; nil when it does not.
        public var weakening: String?

        /// One line.
        public var description: String {
            let change = "\(keyPath): \(old ?? "none") → \(new ?? "none")"
            return weakening.map { "\(change) (weaker: \($0))" } ?? change
        }
    }

    /// Every difference, in the order in which a configuration is written.
    public let changes: [Item]

    /// The differences that only the next start makes true.
    public var needsRestart: [Item] { changes.filter { $0.effect == .restart } }
    /// The differences that lower protection.
    public var weakenings: [Item] { changes.filter { $0.weakening != nil } }
    /// Whether the two are the same.
    public var isEmpty: Bool { changes.isEmpty }

    /// Compares. Tunnels are matched by name; their order does not count.
    public static func diff(from old: Configuration, to new: Configuration) -> Self {
        Self(changes: sections(old, new) + providerKey(old, new) + tunnels(old, new) + connectors(old, new))
    }

    private static func sections(_ old: Configuration, _ new: Configuration) -> [Item] {
        Schema.sections.flatMap { section in
            section.fields.compactMap { field in
                let (before, after) = (field.write(old), field.write(new))
                guard before != after else { return nil }
                return Item(
                    keyPath: "\(section.name).\(field.name)", old: text(before), new: text(after), effect: field.effect,
                    weakening: field.weakening(old, new))
            }
        }
    }

    private static func providerKey(_ old: Configuration, _ new: Configuration) -> [Item] {
        guard old.openAIKeyPresent != new.openAIKeyPresent else { return [] }
        let mask = JSONWriter.quoted(JSONWriter.mask)
        return [
            Item(
                keyPath: Schema.keyOfTheProvider, old: old.openAIKeyPresent ? mask : nil,
                new: new.openAIKeyPresent ? mask : nil, effect: .live)
        ]
    }

    static func text(_ node: JSONNode) -> String? { node.kind == .null ? nil : JSONWriter.compact(node) }
}
