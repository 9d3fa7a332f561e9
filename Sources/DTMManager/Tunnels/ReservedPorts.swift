import DTMConfiguration
import Glibc

/// TCP ports that a schedule passes over, because programs expect a well-known service there.
struct ReservedPorts: Hashable, Sendable {
    let ports: Set<UInt16>

    /// Those that the default range holds, whatever the host's list says: UPnP and development servers, adb, SIP, Vite,
    /// PostgreSQL, AMQP, VNC, X11.
    static let always: Set<UInt16> = [5_000, 5_037, 5_060, 5_061, 5_173, 5_432, 5_671, 5_672, 5_900, 5_901, 6_000]

    init(_ further: some Sequence<UInt16> = []) { ports = Self.always.union(further) }

    /// Ascending, as the schedule wants them.
    func within(_ range: ClosedRange<UInt16>) -> [UInt16] { ports.filter(range.contains).sorted() }

    /// The TCP ports of a services list (`services(5)`); lines that make no sense are passed over.
    static func parse(services text: some Sequence<UInt8>) -> [UInt16] {
        var ports: [UInt16] = []
        var line: [UInt8] = []
        for byte in text {
            guard byte == UInt8(ascii: "\n") else {
                // Longer lines hold no service: a bound on what a strange file can cost.
                if line.count < 512 { line.append(byte) }
                continue
            }
            if let port = port(ofLine: line) { ports.append(port) }
            line = []
        }
        if let port = port(ofLine: line) { ports.append(port) }
        return ports
    }

    /// The host's list, `/etc/services`; without it, those of ``always``.
    static func ofHost(path: String = "/etc/services") -> Self {
        guard let file = fopen(path, "re") else { return Self() }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return Self(parse(services: bytes.prefix(count)))
    }

    private static func port(ofLine line: [UInt8]) -> UInt16? {
        let content = line.prefix { $0 != UInt8(ascii: "#") }
        let fields = content.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
        guard fields.count >= 2 else { return nil }
        let parts = fields[1].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].elementsEqual("tcp".utf8) else { return nil }
        return UInt16(String(decoding: parts[0], as: UTF8.self))
    }
}

extension ReservedPorts {
    /// What configurations are checked against.
    var context: ConfigurationContext { ConfigurationContext(skippedPorts: ports) }
}
