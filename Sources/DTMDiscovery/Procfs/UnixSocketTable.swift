/// `/proc/net/unix` (`proc_pid_net(5)`).
enum UnixSocketTable {
    typealias Row = UnixListenerRow

    /// `__SO_ACCEPTCON` of the kernel's `include/linux/net.h`.
    private static let listening: UInt32 = 1 << 16

    /// The named sockets that listen.
    ///
    /// The kernel writes names as they are, so a name with a line feed in it can pretend to be further rows. A row can
    /// thus not be trusted to say what a socket's name is; when two rows claim one inode, both are left out.
    static func listeners(_ bytes: [UInt8]) -> [Row] {
        var rows: [UInt64: Row?] = [:]
        ByteFields.forEachLine(bytes, limit: SocketTable.maximumRows) { line in
            guard let (row, isListening) = row(line) else { return }
            rows.updateValue(rows[row.inode] == nil && isListening ? row : nil, forKey: row.inode)
        }
        return rows.values.compactMap { $0 }.filter { !$0.path.isEmpty }.sorted { $0.inode < $1.inode }
    }

    private static func row(_ line: ArraySlice<UInt8>) -> (Row, isListening: Bool)? {
        var fields = ByteFields.Reader(line)
        guard fields.next()?.last == UInt8(ascii: ":") else { return nil }
        fields.skip(2)
        guard let flags: UInt32 = ByteFields.hexadecimal(fields.next()) else { return nil }
        fields.skip(2)
        guard let inode: UInt64 = ByteFields.decimal(fields.next()) else { return nil }
        let path = ByteFields.printable(fields.remainder())
        return (Row(inode: inode, path: path), flags & listening != 0)
    }
}
