public import DTMCore

/// `notify`: who is told of findings and responses.
public struct NotificationSettings: Hashable, Sendable {
    /// Receivers over HTTP. Their names differ, from those of commands too.
    public var webhooks: [WebhookConfiguration] = []
    /// Programs that are started for each notification.
    public var commands: [CommandHookConfiguration] = []

    /// The defaults.
    public init() {}
}

/// What every receiver of notifications has.
public struct NotificationLimits: Hashable, Sendable {
    /// The least severity of what is sent.
    public var minimumSeverity = Severity.notice
    /// The least risk of a finding that is sent.
    public var minimumRisk = 0
    /// The most notifications a minute; more wait, and the oldest that wait are dropped.
    public var maximumPerMinute = 60
    /// How long one attempt may take.
    public var timeoutSeconds = 10.0

    /// The defaults.
    public init() {}
}

/// One receiver of `notify.webhooks[]`.
public struct WebhookConfiguration: Hashable, Sendable {
    /// Where the key that signs is.
    public enum Key: Hashable, Sendable {
        /// A file that its owner alone can read.
        case file(AbsolutePath)
        /// A credential of the service manager (systemd.exec(5), `LoadCredential=`).
        case credential(String)
    }

    /// As status and events call it.
    public var name: TunnelName
    /// Where each notification is posted to.
    public var url: WebhookURL
    /// Where the key is.
    public var key: Key
    /// Whether `http` may leave this host.
    public var allowPlainHTTP = false
    /// What is sent, how often, and how long it may take.
    public var limits = NotificationLimits()

    /// A receiver with the default limits.
    public init(name: TunnelName, url: WebhookURL, key: Key) {
        self.name = name
        self.url = url
        self.key = key
    }

    /// The most receivers of each kind.
    public static let maximumCount = 16
}

/// One program of `notify.commands[]`.
public struct CommandHookConfiguration: Hashable, Sendable {
    /// As status and events call it.
    public var name: TunnelName
    /// The program's file.
    public var path: AbsolutePath
    /// What is sent, how often, and how long it may take.
    public var limits = NotificationLimits()

    /// A program with the default limits.
    public init(name: TunnelName, path: AbsolutePath) {
        self.name = name
        self.path = path
    }
}

/// An absolute `http` or `https` URL (RFC 3986) without user, password or fragment.
public struct WebhookURL: Hashable, Sendable, CustomStringConvertible {
    /// The URL as it was written.
    public let text: String
    /// Whether what goes there is encrypted.
    public let isEncrypted: Bool
    /// Whether it can't leave this host: its host is a loopback address. Names don't count, whatever they lead to.
    public let isLoopback: Bool

    /// The longest in bytes.
    public static let maximumBytes = 2_048

    /// Nil for anything else.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard bytes.count <= Self.maximumBytes, bytes.allSatisfy(Self.isAllowed) else { return nil }
        isEncrypted = text.hasPrefix("https://")
        guard isEncrypted || text.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(isEncrypted ? 8 : 7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let host = Self.host(of: authority) else { return nil }
        self.text = text
        isLoopback = Endpoint("\(host):1")?.address.isLoopback ?? false
    }

    /// Visible characters, and none of those that a URL never holds as they are. No `#`: a fragment is not sent.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        (0x21...0x7e).contains(byte) && !"\"<>\\^`{|}#".utf8.contains(byte)
    }

    private static func host(of authority: Substring) -> Substring? {
        guard !authority.contains("@") else { return nil }
        let isLiteral = authority.hasPrefix("[")
        let end = isLiteral ? authority.lastIndex(of: "]").map(authority.index(after:)) : authority.firstIndex(of: ":")
        let host = authority[..<(end ?? authority.endIndex)]
        let port = authority[host.endIndex...]
        guard !host.isEmpty, isLiteral || isName(host) else { return nil }
        if isLiteral, Endpoint("\(host):1") == nil { return nil }
        guard port.isEmpty || (port.hasPrefix(":") && UInt16(port.dropFirst()) ?? 0 > 0) else { return nil }
        return host
    }

    private static func isName(_ host: Substring) -> Bool {
        host.utf8.count <= 253
            && host.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
    }

    /// The URL without its path, which may be a capability: for logs.
    public var description: String {
        let start = text.index(text.startIndex, offsetBy: isEncrypted ? 8 : 7)
        return String(text[..<(text[start...].firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex)])
    }
}
