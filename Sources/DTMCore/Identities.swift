/// The name of a tunnel: what people and scripts call it.
///
/// 1–63 characters of `a–z 0–9 . _ -`, the first a letter or a digit.
public struct TunnelName: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    public init?(_ text: String) {
        let bytes = text.utf8
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte)
        }
        guard (1...63).contains(bytes.count), let first = bytes.first, isAlphanumeric(first),
            bytes.allSatisfy({
                isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            })
        else { return nil }
        self.text = text
    }

    /// What is allowed, for messages.
    public static let rule = "1 to 63 characters of a-z, 0-9, '.', '_' and '-', the first a letter or a digit"

    public var description: String { text }
}

/// 16 random bytes that stand for a tunnel wherever its name would say too much.
public struct TunnelID: Hashable, Sendable, CustomStringConvertible {
    /// The bytes, most significant first.
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A fresh id from the system's generator (`getrandom(2)`).
    public static func random() -> Self {
        var generator = SystemRandomNumberGenerator()
        return Self(high: generator.next(), low: generator.next())
    }

    public var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
    }

    /// Nil unless there are 16 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        let words = bytes.reduce(into: [UInt64(0), 0, 0]) { words, byte in
            words[words[2] < 8 ? 0 : 1] = words[words[2] < 8 ? 0 : 1] << 8 | UInt64(byte)
            words[2] += 1
        }
        self.init(high: words[0], low: words[1])
    }

    /// Nil unless `text` is 32 hexadecimal digits.
    public init?(_ text: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// 32 hexadecimal digits.
    public var description: String { Hexadecimal.encode(bytes) }
}

/// A SPIFFE ID: who holds a certificate. `spiffe://<trust domain>/<path>`, as its specification has it (SPIFFE-ID,
/// section 2).
///
/// DTM issues two kinds: `/tunnel/<tunnel id>` to a listener and `/client/<tunnel id>/<who>` to a client of one tunnel.
public struct SPIFFEID: Hashable, Sendable, CustomStringConvertible {
    /// Lower-case letters, digits, `.`, `-` and `_`, at most 255 bytes.
    public let trustDomain: String
    /// The path's segments, at least one; letters, digits, `.`, `-` and `_`, never `.` or `..`.
    public let segments: [String]

    /// The longest id in bytes (SPIFFE-ID, section 2.3).
    public static let maximumBytes = 2_048

    public init?(trustDomain: String, segments: [String]) {
        guard (1...255).contains(trustDomain.utf8.count), trustDomain.utf8.allSatisfy(Self.isDomainByte),
            !segments.isEmpty, segments.allSatisfy(Self.isSegment)
        else { return nil }
        self.trustDomain = trustDomain
        self.segments = segments
        guard description.utf8.count <= Self.maximumBytes else { return nil }
    }

    public init?(_ text: String) {
        let scheme = "spiffe://"
        guard text.utf8.count <= Self.maximumBytes, text.hasPrefix(scheme) else { return nil }
        let parts = text.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard let domain = parts.first else { return nil }
        self.init(trustDomain: String(domain), segments: parts.dropFirst().map(String.init))
    }

    public var description: String { "spiffe://\(trustDomain)/\(segments.joined(separator: "/"))" }

    /// The identity of the listener of a tunnel.
    public static func tunnel(_ id: TunnelID, in trustDomain: String) -> Self? {
        Self(trustDomain: trustDomain, segments: ["tunnel", id.description])
    }

    /// The identity of a client of one tunnel. `who` says to operators who that is, as `uid-1000.4f2a9c01`.
    public static func client(of id: TunnelID, who: String, in trustDomain: String) -> Self? {
        Self(trustDomain: trustDomain, segments: ["client", id.description, who])
    }

    /// The tunnel that a client identity opens; nil when this is not a client's identity.
    public var clientTunnel: TunnelID? {
        guard segments.count == 3, segments[0] == "client" else { return nil }
        return TunnelID(segments[1])
    }

    private static func isDomainByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    private static func isSegment(_ segment: String) -> Bool {
        !segment.isEmpty && segment != "." && segment != ".."
            && segment.utf8.allSatisfy { isDomainByte($0) || (0x41...0x5a).contains($0) }
    }
}

/// A certificate's serial number: up to 20 bytes, most significant first (RFC 5280, section 4.1.2.2).
public struct SerialNumber: Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// Leading zeros are dropped, so that equal numbers are equal. Nil when empty or of more than 20 bytes.
    public init?(bytes: some Sequence<UInt8>) {
        let significant = Array(bytes.drop { $0 == 0 })
        guard significant.count <= 20, !significant.isEmpty else { return nil }
        self.bytes = significant
    }

    /// Hexadecimal digits, as `description` writes them.
    public init?(_ text: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    public var description: String { Hexadecimal.encode(bytes) }
}
