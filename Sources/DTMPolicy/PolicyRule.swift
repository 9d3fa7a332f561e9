/// One rule of a policy: whom it lets in. A policy is a list of them, and who matches none stays out.
public enum PolicyRule: Hashable, Sendable {
    /// `uid:1000`
    case uid(UInt32)
    /// `user:alice`, compared with the name that the host's account database gives for the caller's uid.
    case user(String)
    /// `gid:1000`, the primary or a supplementary group.
    case gid(UInt32)
    /// `group:developers`, the primary or a supplementary group by name.
    case group(String)
    /// `any-local`: every caller on this host.
    case anyLocal

    /// What is allowed, for messages.
    public static let forms = "uid:N, user:NAME, gid:N, group:NAME and any-local"

    /// The longest name in bytes (`LOGIN_NAME_MAX` of `limits.h`, without its terminating zero).
    public static let maximumNameBytes = 255

    /// Reads a rule.
    ///
    /// - Throws: ``PolicyError`` that names the rule, what is allowed, and the nearest form when the prefix looks
    ///   mistyped.
    public init(_ text: String) throws(PolicyError) {
        if text == Prefix.anyLocal.rawValue {
            self = .anyLocal
            return
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let prefix = Prefix(rawValue: String(parts[0])), prefix != .anyLocal else {
            throw .unknownRule(text, nearest: Prefix.nearest(to: parts.first.map(String.init) ?? "")?.form)
        }
        try self.init(prefix, value: String(parts[1]), text: text)
    }

    private init(_ prefix: Prefix, value: String, text: String) throws(PolicyError) {
        switch prefix {
        case .uid: self = .uid(try Self.number(value, prefix, text))
        case .gid: self = .gid(try Self.number(value, prefix, text))
        case .user: self = .user(try Self.name(value, prefix, text))
        case .group: self = .group(try Self.name(value, prefix, text))
        case .anyLocal: self = .anyLocal
        }
    }

    /// The id −1 means "none" to the kernel (`chown(2)`, `setreuid(2)`), so no one has it.
    private static func number(_ value: String, _ prefix: Prefix, _ text: String) throws(PolicyError) -> UInt32 {
        guard (1...10).contains(value.utf8.count), value.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt32(value), number != .max
        else { throw .badValue(text, form: prefix.form, allowed: "a decimal number from 0 to 4294967294") }
        return number
    }

    private static func name(_ value: String, _ prefix: Prefix, _ text: String) throws(PolicyError) -> String {
        let allowed = "1 to \(maximumNameBytes) printable characters without spaces, ':', '/' and ','"
        let isName = value.unicodeScalars.allSatisfy { scalar in
            !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control
                && scalar.properties.generalCategory != .format && !":/,".unicodeScalars.contains(scalar)
        }
        guard (1...maximumNameBytes).contains(value.utf8.count), isName else {
            throw .badValue(text, form: prefix.form, allowed: allowed)
        }
        return value
    }
}

extension PolicyRule: CustomStringConvertible {
    /// The rule as one would write it.
    public var description: String {
        switch self {
        case .uid(let uid): "uid:\(uid)"
        case .user(let name): "user:\(name)"
        case .gid(let gid): "gid:\(gid)"
        case .group(let name): "group:\(name)"
        case .anyLocal: "any-local"
        }
    }
}

/// What stands before the colon.
enum Prefix: String, CaseIterable {
    case uid, user, gid, group
    case anyLocal = "any-local"

    var form: String {
        switch self {
        case .uid: "uid:N"
        case .user: "user:NAME"
        case .gid: "gid:N"
        case .group: "group:NAME"
        case .anyLocal: "any-local"
        }
    }

    /// The prefix that is at most two edits away; nil when none is.
    static func nearest(to text: String) -> Self? {
        // Longer than any prefix by more than two: no need to measure.
        guard text.utf8.count <= 11 else { return nil }
        let lowered = text.lowercased()
        let best = allCases.map { ($0, editDistance(lowered, $0.rawValue)) }.min { $0.1 < $1.1 }
        guard let best, best.1 <= min(2, best.0.rawValue.utf8.count - 1) else { return nil }
        return best.0
    }
}

/// Insertions, deletions and substitutions between two short texts (Levenshtein).
private func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.utf8)
    let right = Array(right.utf8)
    var row = Array(0...right.count)
    for (i, byte) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in right.enumerated() {
            let above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (byte == other ? 0 : 1))
            diagonal = above
        }
    }
    return row[right.count]
}
