import DTMCore

/// `/proc/net/{tcp,tcp6,udp,udp6}` (`proc_pid_net(5)`).
enum SocketTable {
    /// One socket.
    struct Row: Hashable {
        var transport: SocketTransport
        var local: Endpoint
        var remote: Endpoint
        var state: SocketState
        var uid: UInt32
        var inode: UInt64

        /// Whether it waits for others: TCP that listens, UDP that is bound and has no peer.
        var isListener: Bool {
            switch transport {
            case .tcp, .tcp6: state == .listen
            case .udp, .udp6: state == .closed && remote.port == 0 && local.port != 0
            case .unix: false
            }
        }

        /// Whether it has a peer and a process that holds it.
        var isConnection: Bool { inode != 0 && remote.port != 0 && state != .listen }
    }

    /// The most rows that are read of one table.
    static let maximumRows = 1 << 20

    /// The rows that can be understood; the others, the heading among them, are left out.
    static func rows(_ bytes: [UInt8], transport: SocketTransport) -> [Row] {
        ByteFields.lines(bytes, limit: maximumRows).compactMap { row($0, transport: transport) }
    }

    private static func row(_ line: ArraySlice<UInt8>, transport: SocketTransport) -> Row? {
        let fields = ByteFields.fields(line, limit: 12)
        guard fields.count >= 10, fields[0].last == UInt8(ascii: ":"),
            let local = endpoint(fields[1]), let remote = endpoint(fields[2]),
            fields[3].count == 2, let number: UInt8 = ByteFields.hexadecimal(fields[3]),
            let state = SocketState(rawValue: number),
            let uid: UInt32 = ByteFields.decimal(fields[7]), let inode: UInt64 = ByteFields.decimal(fields[9])
        else { return nil }
        return Row(transport: transport, local: local, remote: remote, state: state, uid: uid, inode: inode)
    }

    /// `0100007F:1F90`: the address as 32-bit words in the byte order of the machine, the port as a number.
    static func endpoint(_ field: ArraySlice<UInt8>) -> Endpoint? {
        let parts = field.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].count == 4, let port: UInt16 = ByteFields.hexadecimal(parts[1]) else {
            return nil
        }
        switch parts[0].count {
        case 8: return word(parts[0]).map { Endpoint(address: .v4($0), port: port) }
        case 32: return address6(parts[0]).map { Endpoint(address: $0, port: port) }
        default: return nil
        }
    }

    private static func address6(_ digits: ArraySlice<UInt8>) -> IPAddress? {
        let words = (0..<4).compactMap { word(digits.dropFirst($0 * 8).prefix(8)) }
        guard words.count == 4 else { return nil }
        return .v6(high: UInt64(words[0]) << 32 | UInt64(words[1]), low: UInt64(words[2]) << 32 | UInt64(words[3]))
    }

    private static func word(_ digits: ArraySlice<UInt8>) -> UInt32? {
        let value: UInt32? = ByteFields.hexadecimal(digits)
        return value.map(UInt32.init(bigEndian:))
    }
}

extension IPAddress {
    /// The IPv4 address inside an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2); otherwise the address itself.
    var unmapped: IPAddress {
        guard case .v6(0, let low) = self, low >> 32 == 0xffff else { return self }
        return .v4(UInt32(truncatingIfNeeded: low))
    }
}
