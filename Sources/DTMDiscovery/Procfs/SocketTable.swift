import DTMCore

/// `/proc/net/{tcp,tcp6,udp,udp6}` (`proc_pid_net(5)`).
enum SocketTable {
    typealias Row = SocketRow

    /// The most rows that are read of one table.
    static let maximumRows = 1 << 20

    /// The rows that can be understood; the others, the heading among them, are left out.
    static func rows(_ bytes: [UInt8], transport: SocketTransport) -> [Row] {
        var rows: [Row] = []
        ByteFields.forEachLine(bytes, limit: maximumRows) { line in
            if let row = row(line, transport: transport) { rows.append(row) }
        }
        return rows
    }

    private static func row(_ line: ArraySlice<UInt8>, transport: SocketTransport) -> Row? {
        var fields = ByteFields.Reader(line)
        guard fields.next()?.last == UInt8(ascii: ":"), let local = fields.next().flatMap(endpoint),
            let remote = fields.next().flatMap(endpoint), let digits = fields.next(), digits.count == 2,
            let number: UInt8 = ByteFields.hexadecimal(digits), let state = SocketState(rawValue: number)
        else { return nil }
        // Queues, timer, retransmissions.
        fields.skip(3)
        guard let uid: UInt32 = ByteFields.decimal(fields.next()) else { return nil }
        fields.skip(1)
        guard let inode: UInt64 = ByteFields.decimal(fields.next()) else { return nil }
        return Row(transport: transport, state: state, local: local, remote: remote, uid: uid, inode: inode)
    }

    /// `0100007F:1F90`: the address as 32-bit words in the byte order of the machine, the port as a number.
    static func endpoint(_ field: ArraySlice<UInt8>) -> Endpoint? {
        let digits = field.suffix(4)
        let address = field.dropLast(5)
        guard field.count > 5, field[digits.startIndex - 1] == UInt8(ascii: ":"),
            let port: UInt16 = ByteFields.hexadecimal(digits)
        else { return nil }
        switch address.count {
        case 8: return word(address).map { Endpoint(address: .v4($0), port: port) }
        case 32: return address6(address).map { Endpoint(address: $0, port: port) }
        default: return nil
        }
    }

    private static func address6(_ digits: ArraySlice<UInt8>) -> IPAddress? {
        guard let first = word(digits.prefix(8)), let second = word(digits.dropFirst(8).prefix(8)),
            let third = word(digits.dropFirst(16).prefix(8)), let fourth = word(digits.dropFirst(24))
        else { return nil }
        return .v6(high: UInt64(first) << 32 | UInt64(second), low: UInt64(third) << 32 | UInt64(fourth))
    }

    private static func word(_ digits: ArraySlice<UInt8>) -> UInt32? {
        let value: UInt32? = ByteFields.hexadecimal(digits)
        return value.map(UInt32.init(bigEndian:))
    }
}
