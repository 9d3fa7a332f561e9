import Glibc

/// An IP address. IPv4-mapped IPv6 addresses stay IPv6.
public enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    /// Reads dotted-quad IPv4 or RFC 4291 IPv6, without a zone and without brackets.
    public init?(_ text: String) {
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self = .v4(UInt32(bigEndian: four.s_addr))
            return
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        self = withUnsafeBytes(of: &six) { bytes in
            .v6(
                high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    /// True for 127.0.0.0/8 and ::1.
    public var isLoopback: Bool {
        switch self {
        case .v4(let value): value >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// True for 0.0.0.0 and ::.
    public var isAny: Bool {
        switch self {
        case .v4(let value): value == 0
        case .v6(let high, let low): high == 0 && low == 0
        }
    }

    /// The IPv4 address inside an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2); otherwise the address itself.
    public var unmapped: Self {
        guard case .v6(0, let low) = self, low >> 32 == 0xffff else { return self }
        return .v4(UInt32(truncatingIfNeeded: low))
    }
}

extension IPAddress: CustomStringConvertible {
    public var description: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        switch self {
        case .v4(let value):
            var address = in_addr(s_addr: value.bigEndian)
            inet_ntop(AF_INET, &address, &buffer, socklen_t(buffer.count))
        case .v6(let high, let low):
            var address = (high.bigEndian, low.bigEndian)
            inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count))
        }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// An IP address and a TCP port: where a listener is.
public struct Endpoint: Hashable, Sendable {
    public var address: IPAddress
    public var port: UInt16

    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// Reads `127.0.0.1:5000` or `[::1]:5000`.
    public init?(_ text: String) {
        guard let (host, port) = splitHostPort(text), let address = IPAddress(host) else { return nil }
        self.init(address: address, port: port)
    }

    /// The same place, with an IPv4-mapped IPv6 address as the IPv4 address that it stands for.
    public var unmapped: Self { Self(address: address.unmapped, port: port) }
}

extension Endpoint: CustomStringConvertible {
    public var description: String {
        switch address {
        case .v4: "\(address):\(port)"
        case .v6: "[\(address)]:\(port)"
        }
    }
}

/// What a tunnel leads to.
public enum Target: Hashable, Sendable {
    /// A host name or address, and a TCP port. Names are resolved by control, never by the data plane.
    case tcp(host: String, port: UInt16)
    /// The absolute path of a Unix stream socket.
    case unix(path: String)

    /// The longest path that fits `sockaddr_un` with its terminating zero (`unix(7)`).
    public static let maximumUnixPathBytes = 107

    /// Reads `host:port`, `[::1]:port` or `unix:/path`. Nil for anything else, for port 0, for a host name that is not
    /// made of RFC 1123 labels, and for a path that is relative, holds a zero byte or does not fit a socket address.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/"), path.utf8.count <= Self.maximumUnixPathBytes, !path.utf8.contains(0) else {
                return nil
            }
            self = .unix(path: path)
            return
        }
        guard let (host, port) = splitHostPort(text), port != 0 else { return nil }
        guard IPAddress(host) != nil || isHostName(host) else { return nil }
        self = .tcp(host: host, port: port)
    }
}

extension Target: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// Splits `host:port` or `[v6]:port`; nil unless the port is a decimal of 0–65535, and for brackets around anything
/// without a colon.
public func splitHostPort(_ text: String) -> (host: String, port: UInt16)? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let port = UInt16(digits)
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
        host = host.dropFirst().dropLast()
        guard host.contains(":") else { return nil }
    } else if host.contains(":") {
        return nil
    }
    return host.isEmpty ? nil : (String(host), port)
}

/// RFC 1123 labels: letters, digits and inner hyphens, 63 bytes a label, 253 in all; and underscores, which containers'
/// names have.
///
/// A name that ends in a number is none: resolvers read it as an old form of an IPv4 address (`inet_aton(3)`), so that
/// `127.1` and `2130706433` would lead somewhere that nobody sees in them.
private func isHostName(_ text: String) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, let last = labels.last, !isNumber(last) else { return false }
    return labels.allSatisfy { label in
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
    }
}

/// A decimal or octal number, or a hexadecimal one after `0x`.
private func isNumber(_ label: Substring) -> Bool {
    let isHexadecimal = label.hasPrefix("0x") || label.hasPrefix("0X")
    return isHexadecimal
        ? label.dropFirst(2).allSatisfy(\.isHexDigit)
        : label.utf8.allSatisfy { (0x30...0x39).contains($0) }
}
