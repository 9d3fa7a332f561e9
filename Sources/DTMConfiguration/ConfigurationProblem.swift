public import DTMCore

/// One thing that is wrong with a configuration.
public struct ConfigurationProblem: Hashable, Sendable {
    /// What sort of thing it is; a stable name.
    public enum Kind: String, Hashable, Sendable {
        /// The file is not JSON, or exceeds the bounds of the reader.
        case syntax
        /// A key that does not exist.
        case unknownKey
        /// A key that stands twice in one object.
        case duplicateKey
        /// A key that has to be there and is not.
        case missingKey
        /// A value of the wrong type or out of bounds.
        case value
        /// A value that is allowed by itself but not beside another one.
        case conflict
        /// A tunnel name that an earlier tunnel has.
        case duplicateName
        /// A port range that can't hold the endpoints of its tunnels.
        case portShortage
    }

    /// What sort of thing it is.
    public var kind: Kind
    /// Where it is, as `tunnels[2].portRange`; empty for the file as a whole.
    public var keyPath: String
    /// The offending value as JSON, shortened, and masked when it may be a secret; nil when the key itself is the
    /// problem.
    public var value: String?
    /// What is allowed there.
    public var allowed: String
    /// The nearest valid key or choice, when one is near.
    public var nearest: String?
    /// The place in the file; nil for values that did not come from one.
    public var position: SourcePosition?

    /// A problem at a place.
    public init(
        kind: Kind, keyPath: String, value: String? = nil, allowed: String, nearest: String? = nil,
        position: SourcePosition? = nil
    ) {
        self.kind = kind
        self.keyPath = keyPath
        self.value = value
        self.allowed = allowed
        self.nearest = nearest
        self.position = position
    }
}

extension ConfigurationProblem: CustomStringConvertible {
    /// One line: place, key, what is wrong, the nearest valid name, what is allowed.
    public var description: String {
        let place = position.map { "\($0): " } ?? ""
        let subject = keyPath.isEmpty ? "" : "\(keyPath): "
        let near = nearest.map { "; nearest is \($0)" } ?? ""
        return "\(place)\(subject)\(fault)\(near); allowed: \(allowed)"
    }

    private var fault: String {
        switch kind {
        case .syntax: "not JSON: \(value ?? "nothing") is out of place"
        case .unknownKey: "there is no such key"
        case .duplicateKey: "the key stands twice"
        case .missingKey: "the key is missing"
        case .value, .conflict: "\(value ?? "this") is not allowed"
        case .duplicateName: "\(value ?? "this name") is the name of an earlier tunnel"
        case .portShortage: "\(value ?? "this range") has too few usable ports"
        }
    }
}

/// The problems found so far, in the order in which they were found.
struct ProblemList {
    /// More are counted and not kept: a hostile file must not fill the log.
    static let maximumCount = 200

    private(set) var problems: [ConfigurationProblem] = []
    private(set) var omittedCount = 0
    private var keyPaths: Set<String> = []

    /// The problem is made only if it is kept, for finding the nearest name takes time.
    mutating func add(at path: ConfigurationPath, _ problem: @autoclosure () -> ConfigurationProblem) {
        keyPaths.insert(path.description)
        guard problems.count < Self.maximumCount else {
            omittedCount += 1
            return
        }
        problems.append(problem())
    }

    /// In the order of the file; what has no place in it comes last.
    var inFileOrder: [ConfigurationProblem] {
        problems.enumerated().sorted { left, right in
            let (first, second) = (left.element.position, right.element.position)
            return (first?.line ?? .max, first?.column ?? .max, left.offset)
                < (second?.line ?? .max, second?.column ?? .max, right.offset)
        }.map(\.element)
    }

    func contains(_ path: ConfigurationPath) -> Bool { keyPaths.contains(path.description) }
}
