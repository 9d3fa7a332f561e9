import DTMCore

/// All sockets of a network namespace at one moment, by inode.
struct Sockets {
    var rows: [SocketTable.Row] = []
    var unixListeners: [UnixSocketTable.Row] = []
    private var rowsByInode: [UInt64: [Int]] = [:]
    private var unixByInode: [UInt64: String] = [:]

    /// The largest table that is read; a row has about 150 bytes.
    private static let maximumTableBytes = 1 << 27

    /// Reads the tables. One that is missing, as those of IPv6 may be, counts as empty.
    init(_ files: ProcessFileSystem, _ transports: [SocketTransport] = SocketTransport.allCases) {
        for transport in transports where transport != .unix {
            let bytes = try? files.read("net/\(transport.rawValue)", limit: Self.maximumTableBytes)
            rows += SocketTable.rows(bytes ?? [], transport: transport)
        }
        let bytes = transports.contains(.unix) ? try? files.read("net/unix", limit: Self.maximumTableBytes) : nil
        unixListeners = UnixSocketTable.listeners(bytes ?? [])
        for (index, row) in rows.enumerated() where row.inode != 0 { rowsByInode[row.inode, default: []].append(index) }
        for row in unixListeners { unixByInode[row.inode] = row.path }
    }

    /// The listeners among the sockets with these inodes. The kernel may show a socket twice while tables change under
    /// a reader.
    func listeners(_ inodes: Set<UInt64>) -> [ObservedListener] {
        inodes.sorted().compactMap { inode in
            if let row = rowsByInode[inode]?.lazy.map({ rows[$0] }).first(where: \.isListener) { return row.listener }
            return unixByInode[inode].map {
                ObservedListener(transport: .unix, place: .unix(path: $0), uid: nil, inode: inode)
            }
        }
    }

    /// The connections among the sockets with these inodes.
    func connections(_ inodes: Set<UInt64>) -> [ObservedConnection] {
        inodes.sorted().compactMap { inode in
            rowsByInode[inode]?.lazy.map { rows[$0] }.first(where: \.isConnection).map { row in
                ObservedConnection(
                    transport: row.transport, local: row.local, remote: row.remote, state: row.state, inode: inode)
            }
        }
    }

    /// The TCP listener that a connection to `endpoint` reaches, as the kernel looks it up: a listener on the very
    /// address before one on all addresses, and for IPv4 an IPv4 listener before one of IPv6 that takes both.
    ///
    /// Whether an IPv6 listener takes IPv4 (`IPV6_V6ONLY`) is not in /proc. One that shares its port with a wildcard
    /// listener of IPv4 can't, and there the IPv4 one is found first.
    func listener(accepting endpoint: Endpoint, isLocal: (IPAddress) -> Bool) -> ObservedListener? {
        let address = endpoint.address.unmapped
        guard address.isAny || isLocal(address) else { return nil }
        let candidates = rows.filter {
            $0.isListener && ($0.transport == .tcp || $0.transport == .tcp6) && $0.local.port == endpoint.port
        }
        let best = candidates.compactMap { row in Self.rank(row, for: address).map { (row, $0) } }.min { $0.1 < $1.1 }
        return best?.0.listener
    }

    /// Lower comes first; nil: not reached.
    private static func rank(_ row: SocketTable.Row, for address: IPAddress) -> Int? {
        if row.local.address.unmapped == address { return row.transport == .tcp ? 0 : 1 }
        switch (row.local.address, address) {
        case (.v4(0), .v4): return 2
        case (.v6(0, 0), _): return 3
        default: return nil
        }
    }
}
