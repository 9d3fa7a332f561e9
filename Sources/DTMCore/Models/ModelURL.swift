/// Where a provider's API begins, as `https://api.openai.com/v1`. Plain `http` is for this host alone.
public struct ModelURL: Hashable, Sendable, CustomStringConvertible {
    /// The longest in bytes.
    public static let maximumBytes = 512
    /// What is allowed, for messages.
    public static let allowed =
        "https://host[:port][/path], or http:// with a loopback host; no user, query or fragment"

    /// Without a slash at the end.
    public let description: String
    /// The host alone, for messages.
    public let host: String

    /// Nil when `text` is not what ``allowed`` says.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        let scheme = ["https://", "http://"].first { text.hasPrefix($0) }
        guard bytes.count <= Self.maximumBytes, let scheme, bytes.allSatisfy(Self.isAllowed) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        guard let (host, port) = Self.parts(of: authority), port.map({ $0 > 0 }) ?? true else { return nil }
        guard scheme == "https://" || Self.isLoopback(host) else { return nil }
        var trimmed = text[...]
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        description = String(trimmed)
        self.host = String(host)
    }

    /// Letters, digits and what addresses and paths are made of; no user (`@`), query, fragment or escapes.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: Array("-._~:/[]".utf8).contains(byte)
        }
    }

    private static func parts(of authority: Substring) -> (host: Substring, port: UInt16?)? {
        let end = authority.hasPrefix("[") ? authority.firstIndex(of: "]").map { authority.index(after: $0) } : nil
        let host = end.map { authority[..<$0] } ?? authority.prefix { $0 != ":" }
        let rest = authority[host.endIndex...]
        guard !host.isEmpty, host.hasPrefix("[") || !host.contains(where: { "[]~".contains($0) }) else { return nil }
        if host.hasPrefix("["), Endpoint("\(host):1") == nil { return nil }
        guard !rest.isEmpty else { return (host, nil) }
        guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()) else { return nil }
        return (host, port)
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        host == "localhost" || Endpoint("\(host):1")?.address.isLoopback == true
    }
}
