import DTMCore

/// What happens to a running manager when a key changes.
public enum ChangeEffect: String, Hashable, Sendable {
    /// The reload makes it true.
    case live
    /// The next start makes it true.
    case restart
}

/// Says when a change of a value lowers protection, and in which respect.
struct Weakening<Value: Sendable>: Sendable {
    let reason: String
    let applies: @Sendable (_ old: Value, _ new: Value) -> Bool
}

extension Weakening where Value: Comparable {
    static func whenHigher(_ reason: String) -> Self { Self(reason: reason) { $1 > $0 } }
    static func whenLower(_ reason: String) -> Self { Self(reason: reason) { $1 < $0 } }
}

extension Weakening<Double> {
    /// For limits that 0 switches off.
    static func whenHigherOrOff(_ reason: String) -> Self {
        Self(reason: reason) { old, new in old != new && (new == 0 || (old != 0 && new > old)) }
    }
}

extension Weakening<Bool> {
    static func whenSwitchedOff(_ reason: String) -> Self { Self(reason: reason) { $0 && !$1 } }
}

/// One key of an object: the single place that knows its name, its rule, its default and what a change of it means.
struct Field<Section: Sendable>: Sendable {
    let name: String
    let allowed: String
    let unit: String?
    let effect: ChangeEffect
    /// What stands for the default in the documentation when it is not a value.
    let inherited: String?
    /// Checks a value and returns what stores it in the section; nil when it is not allowed.
    let read: @Sendable (JSONNode, ConfigurationPath, inout ConfigurationReader) -> (@Sendable (inout Section) -> Void)?
    /// JSON's null when the section does not hold a value.
    let write: @Sendable (Section) -> JSONNode
    /// Why going from the first section to the second lowers protection; nil when it does not.
    let weakening: @Sendable (Section, Section) -> String?

    init<Value>(
        _ name: String, _ keyPath: any WritableKeyPath<Section, Value> & Sendable, _ rule: ValueRule<Value>,
        effect: ChangeEffect = .live, inherited: String? = nil, weakens: Weakening<Value>? = nil
    ) {
        self.name = name
        self.allowed = rule.allowed
        self.unit = rule.unit
        self.effect = effect
        self.inherited = inherited
        read = { node, path, reader in
            guard let value = rule.read(node, path, &reader) else { return nil }
            return { $0[keyPath: keyPath] = value }
        }
        write = { rule.write($0[keyPath: keyPath]) }
        weakening = { old, new in
            guard let weakens, weakens.applies(old[keyPath: keyPath], new[keyPath: keyPath]) else { return nil }
            return weakens.reason
        }
    }

    /// A key that may be left out and has no value of its own then.
    init<Value>(
        optional name: String, _ keyPath: any WritableKeyPath<Section, Value?> & Sendable, _ rule: ValueRule<Value>,
        inherited: String
    ) {
        self.init(name, keyPath, rule.optional, inherited: inherited)
    }

    /// The same field, seen from what holds the section.
    func lifted<Whole: Sendable>(_ keyPath: any WritableKeyPath<Whole, Section> & Sendable) -> Field<Whole> {
        Field<Whole>(lifting: self, keyPath)
    }

    private init<Part: Sendable>(lifting part: Field<Part>, _ keyPath: any WritableKeyPath<Section, Part> & Sendable) {
        name = part.name
        allowed = part.allowed
        unit = part.unit
        effect = part.effect
        inherited = part.inherited
        read = { node, path, reader in
            guard let store = part.read(node, path, &reader) else { return nil }
            return { store(&$0[keyPath: keyPath]) }
        }
        write = { part.write($0[keyPath: keyPath]) }
        weakening = { part.weakening($0[keyPath: keyPath], $1[keyPath: keyPath]) }
    }
}
