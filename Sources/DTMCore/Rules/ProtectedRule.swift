/// Whom no response cuts off: one term, as it stands in `response.protected`.
public enum ProtectedRule: Hashable, Sendable {
    /// `uid:1000`
    case uid(UInt32)
    /// `user:alice`, by the name that the host's account database gives.
    case user(String)
    /// `exe:/usr/bin/redis-cli`, symbolic links resolved.
    case executable(AbsolutePath)

    /// What is allowed, for messages.
    public static let forms = "uid:N, user:NAME and exe:/PATH"

    /// - Throws: What is wrong with it, and what is allowed.
    public init(_ text: String) throws(RuleError) {
        let terms = try RuleText.terms(of: text)
        guard terms.count == 1, let term = terms.first else {
            throw .contradiction(text, allowed: "one of \(Self.forms), without a '+'")
        }
        guard let prefix = Prefix(rawValue: term.prefix), term.value != nil else {
            let nearest = NearestName.of(term.prefix, among: Prefix.allCases.map(\.rawValue))
            throw .unknown(term, forms: Self.forms, nearest: nearest.flatMap(Prefix.init(rawValue:))?.form)
        }
        switch prefix {
        case .uid: self = .uid(try term.number(form: prefix.form))
        case .user: self = .user(try term.accountName(form: prefix.form))
        case .executable: self = .executable(try term.executable(form: prefix.form))
        }
    }

    private enum Prefix: String, CaseIterable {
        case uid, user
        case executable = "exe"

        var form: String {
            switch self {
            case .uid: "uid:N"
            case .user: "user:NAME"
            case .executable: "exe:/PATH"
            }
        }
    }
}

extension ProtectedRule: CustomStringConvertible {
    /// The rule as one would write it.
    public var description: String {
        switch self {
        case .uid(let uid): "uid:\(uid)"
        case .user(let name): "user:\(PercentCoding.encode(name))"
        case .executable(let path): "exe:\(PercentCoding.encode(path.text, also: "*?"))"
        }
    }
}
