/// `/proc/net/unix` (`proc_pid_net(5)`).
enum UnixSocketTable {
    /// A listening socket with a name.
    struct Row: Hashable {
        var inode: UInt64
        /// A path, or `@name` in the abstract namespace. Printable.
        var path: String
    }

    /// `__SO_ACCEPTCON` of the kernel's `include/linux/net.h`.
    private static let listening: UInt32 = 1 << 16

    /// The named sockets that listen.
    ///
    /// The kernel writes names as they are, so a name with a line feed in it can pretend to be further rows. A row can thus
    /// not be trusted to say what a socket's name is; when two rows claim one inode, both are left out.
    static func listeners(_ bytes: [UInt8]) -> [Row] {
        var rows: [UInt64: Row?] = [:]
        for line in ByteFields.lines(bytes, limit: SocketTable.maximumRows) {
            guard let (row, isListening) = row(line) else { continue }
            rows.updateValue(rows[row.inode] == nil && isListening ? row : nil, forKey: row.inode)
        }
        return rows.values.compactMap { $0 }.filter { !$0.path.isEmpty }.sorted { $0.inode < $1.inode }
    }

    private static func row(_ line: ArraySlice<UInt8>) -> (Row, isListening: Bool)? {
        let fields = ByteFields.fields(line, limit: 8)
        guard fields.count >= 7, fields[0].last == UInt8(ascii: ":"),
            let flags: UInt32 = ByteFields.hexadecimal(fields[3]), let inode: UInt64 = ByteFields.decimal(fields[6])
        else { return nil }
        let path = fields.count == 8 ? ByteFields.printable(fields[7]) : ""
        return (Row(inode: inode, path: path), flags & listening != 0)
    }
}
