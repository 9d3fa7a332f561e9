/// The beginning of what a stranger sent, and how much it was: enough to tell a scanner from a mistake, bounded, and never
/// shown as text.
public struct SentBytes: Hashable, Sendable {
    /// How many of the first bytes are kept.
    public static let most = 64

    /// What it looks like.
    public enum Kind: String, Sendable, CaseIterable {
        case nothing
        case tlsClientHello = "TLS ClientHello"
        case http = "HTTP request"
        case text
        case binary
    }

    /// How many bytes there were.
    public private(set) var count: UInt32 = 0
    /// The first of them, at most ``most``.
    public private(set) var first: [UInt8] = []

    /// Nothing yet.
    public init() {}

    /// What another process counted.
    ///
    /// - Parameter first: Cut at ``most`` bytes.
    public init(count: UInt32, first: some Sequence<UInt8>) {
        self.first = Array(first.prefix(Self.most))
        self.count = max(count, UInt32(self.first.count))
    }

    /// Takes more of it in.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        count = UInt32(clamping: Int(count) + bytes.count)
        guard first.count < Self.most else { return }
        first.append(contentsOf: bytes.prefix(Self.most - first.count))
    }

    /// What it looks like.
    public var kind: Kind {
        guard !first.isEmpty else { return .nothing }
        // RFC 8446, section 5.1: a record of type handshake and version 3.x; what begins so may become a ClientHello.
        if first[0] == 0x16, first.count == 1 || first[1] == 0x03 { return .tlsClientHello }
        if Self.methods.contains(where: { first.starts(with: $0.utf8) }) { return .http }
        return first.allSatisfy { (0x20...0x7e).contains($0) || (0x09...0x0d).contains($0) } ? .text : .binary
    }

    private static let methods = ["GET ", "POST ", "HEAD ", "PUT ", "OPTIONS ", "CONNECT ", "DELETE ", "PRI * "]
}
