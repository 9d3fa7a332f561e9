public import DTMCore
import Glibc

/// Whose the applications behind targets are.
extension LiveInventory {
    /// The users of the applications behind targets on this host: who made the listening socket, or who owns the path
    /// of a Unix socket. The kernel is asked anew, once for all of them; no right to see the processes is needed.
    ///
    /// - Parameter localAddresses: The addresses of this host: a listener on all addresses is reached through these
    ///   alone.
    /// - Returns: One for each target, in their order. Nil where nothing listens, for another host's address, and for a
    ///   name other than `localhost`.
    public mutating func ownerUIDs(
        of targets: [Target], localAddresses: Set<IPAddress> = InterfaceAddresses.current()
    ) -> [UInt32?] {
        var listening: [SocketRow] = []
        _ = source.listeners(into: &listening)
        let byPort = Dictionary(grouping: listening, by: \.local.port)
        return targets.map { target in
            switch target {
            case .unix(let path):
                var status = stat()
                return stat(path, &status) == 0 ? status.st_uid : nil
            case .tcp(let host, let port):
                let addresses = host.lowercased() == "localhost" ? Self.localhost : [IPAddress(host)].compactMap(\.self)
                let rows = byPort[port] ?? []
                return addresses.lazy.map(\.unmapped)
                    .filter { $0.isAny || $0.isLoopback || localAddresses.contains($0) }
                    .compactMap { SocketRow.accepting($0, among: rows)?.uid }.first
            }
        }
    }

    private static let localhost: [IPAddress] = [.v4(0x7f00_0001), .v6(high: 0, low: 1)]
}

extension SocketRow {
    /// The listener that a connection to `address` reaches, as the kernel looks it up: one on the very address before
    /// one on all addresses, and for IPv4 an IPv4 listener before one of IPv6 that takes both.
    ///
    /// Whether an IPv6 listener takes IPv4 (`IPV6_V6ONLY`) is not known here. One that shares its port with a wildcard
    /// listener of IPv4 can't, and there the IPv4 one is found first.
    ///
    /// - Parameter listeners: Those of the port.
    static func accepting(_ address: IPAddress, among listeners: [SocketRow]) -> SocketRow? {
        listeners.lazy.compactMap { row in row.rank(for: address).map { (row: row, rank: $0) } }
            .min { $0.rank < $1.rank }?.row
    }

    /// Lower comes first; nil: not reached.
    private func rank(for address: IPAddress) -> Int? {
        if local.address.unmapped == address { return transport == .tcp ? 0 : 1 }
        switch (local.address, address) {
        case (.v4(0), .v4): return 2
        case (.v6(0, 0), _): return 3
        default: return nil
        }
    }
}
