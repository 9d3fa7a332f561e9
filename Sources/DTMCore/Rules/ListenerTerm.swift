/// One thing that a rule of the automatic tunnels asks of a listener and the application behind it.
public enum ListenerTerm: Hashable, Sendable {
    /// `app:redis-server`, the application's name or its process's.
    case application(String)
    /// `app:redis*`: names that start so.
    case applicationPrefix(String)
    /// `exe:/usr/bin/redis-server`, symbolic links resolved.
    case executable(AbsolutePath)
    /// `uid:1000`
    case uid(UInt32)
    /// `user:alice`
    case user(String)
    /// `port:6379` or `port:6000-6999`
    case ports(ClosedRange<UInt16>)

    /// What is allowed, for messages.
    public static let forms = "app:NAME, app:START*, exe:/PATH, uid:N, user:NAME and port:N or port:LOW-HIGH"

    /// The longest name of an application in bytes.
    public static let maximumNameBytes = 255

    init(_ text: RuleText) throws(RuleError) {
        guard let prefix = Prefix(rawValue: text.prefix), text.value != nil else {
            let nearest = NearestName.of(text.prefix, among: Prefix.allCases.map(\.rawValue))
            throw .unknown(
                text, forms: ListenerRule.forms, nearest: nearest.flatMap(Prefix.init(rawValue:))?.form)
        }
        switch prefix {
        case .application: self = try Self.application(text, form: prefix.form)
        case .executable: self = .executable(try text.executable(form: prefix.form))
        case .uid: self = .uid(try text.number(form: prefix.form))
        case .user: self = .user(try text.accountName(form: prefix.form))
        case .ports: self = .ports(try text.ports(form: prefix.form))
        }
    }

    private static func application(_ text: RuleText, form: String) throws(RuleError) -> Self {
        let value = text.value ?? ""
        let isPrefix = value.hasSuffix("*")
        let written = isPrefix ? value.dropLast() : value[...]
        guard !written.utf8.contains(UInt8(ascii: "*")), let name = PercentCoding.decode(written),
            (1...maximumNameBytes).contains(name.utf8.count), !name.unicodeScalars.contains(where: \.isInvisible)
        else {
            throw .badValue(
                text, form: form,
                allowed:
                    "1 to \(maximumNameBytes) printable characters, a * at the end for names that start so; '+' is written "
                    + "%2B, '%' %25, and a '*' of the name itself %2A")
        }
        return isPrefix ? .applicationPrefix(name) : .application(name)
    }

    enum Prefix: String, CaseIterable {
        case application = "app"
        case executable = "exe"
        case uid, user
        case ports = "port"

        var form: String {
            switch self {
            case .application: "app:NAME"
            case .executable: "exe:/PATH"
            case .uid: "uid:N"
            case .user: "user:NAME"
            case .ports: "port:N"
            }
        }
    }

    var prefix: Prefix {
        switch self {
        case .application, .applicationPrefix: .application
        case .executable: .executable
        case .uid: .uid
        case .user: .user
        case .ports: .ports
        }
    }
}

extension ListenerTerm: CustomStringConvertible {
    /// The term as one would write it.
    public var description: String {
        switch self {
        case .application(let name): "app:\(PercentCoding.encode(name, also: "*"))"
        case .applicationPrefix(let start): "app:\(PercentCoding.encode(start, also: "*"))*"
        case .executable(let path): "exe:\(PercentCoding.encode(path.text, also: "*?"))"
        case .uid(let uid): "uid:\(uid)"
        case .user(let name): "user:\(PercentCoding.encode(name))"
        case .ports(let ports) where ports.count == 1: "port:\(ports.lowerBound)"
        case .ports(let ports): "port:\(ports.lowerBound)-\(ports.upperBound)"
        }
    }
}

extension RuleText {
    /// `N` or `LOW-HIGH`.
    fileprivate func ports(form: String) throws(RuleError) -> ClosedRange<UInt16> {
        let bounds = (value ?? "").split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false).map(Self.port)
        guard bounds.count <= 2, let low = bounds.first ?? nil, let high = bounds.last ?? nil, low <= high else {
            throw .badValue(self, form: form, allowed: "a port from 1 to 65535, or two of them as LOW-HIGH")
        }
        return low...high
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return UInt16(text).flatMap { $0 == 0 ? nil : $0 }
    }
}
