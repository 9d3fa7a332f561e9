import DTMCore
import Glibc

/// Where the sockets come from: netlink, or the tables in /proc/net where that is not allowed.
///
/// Which of the two is settled at the first question that the kernel refuses.
struct SocketSource: ~Copyable {
    /// Nil: the tables.
    private var channel: SockDiagChannel?
    private let files: ProcessFileSystem
    private(set) var losses: Set<SocketLoss> = []
    let limit: Int

    /// The largest table that is read; a row has about 150 bytes.
    private static let maximumTableBytes = 1 << 27

    /// - Parameter root: Netlink is asked for the real `/proc` alone: it knows nothing of a copy.
    init(root: String, limit: Int, useNetlink: Bool) {
        files = ProcessFileSystem(root: root)
        self.limit = limit
        if useNetlink { channel = try? SockDiagChannel(limit: limit) }
        if channel == nil { losses = SocketLoss.ofTables }
    }

    /// Whether the kernel is asked directly.
    var isNetlink: Bool { channel != nil }

    mutating func listeners(into rows: inout [SocketRow]) -> Bool {
        if let quality = ask({ channel throws(SockDiagChannel.Failure) in try channel.tcpListeners(into: &rows) }) {
            return note(quality)
        }
        rows.removeAll(keepingCapacity: true)
        return table([.tcp, .tcp6], into: &rows) { $0.isListener }
    }

    mutating func datagrams(into rows: inout [SocketRow]) -> Bool {
        if let quality = ask({ channel throws(SockDiagChannel.Failure) in try channel.udpSockets(into: &rows) }) {
            return note(quality)
        }
        rows.removeAll(keepingCapacity: true)
        return table([.udp, .udp6], into: &rows) { $0.isListener || $0.isConnection }
    }

    mutating func connections(withCounters: Bool, into rows: inout [SocketRow]) -> Bool {
        let answer = ask { channel throws(SockDiagChannel.Failure) in
            try channel.tcpConnections(withCounters: withCounters, into: &rows)
        }
        if let answer { return note(answer) }
        rows.removeAll(keepingCapacity: true)
        return table([.tcp, .tcp6], into: &rows) { $0.isConnection }
    }

    mutating func unixListeners(
        into rows: inout [UnixListenerRow], known: (UInt64) -> UnixListenerRow?
    ) -> Bool {
        let answer = ask { channel throws(SockDiagChannel.Failure) in
            try channel.unixListeners(into: &rows, known: known)
        }
        if let answer { return note(answer) }
        rows.removeAll(keepingCapacity: true)
        guard let bytes = try? files.read("net/unix", limit: Self.maximumTableBytes) else { return true }
        rows += UnixSocketTable.listeners(bytes).prefix(limit)
        return true
    }

    /// The connection between two ends, as seen from `local`; nil when there is none.
    ///
    /// - Throws: `Failure` when the kernel can't be asked.
    mutating func connection(
        local: Endpoint, remote: Endpoint
    ) throws(SockDiagChannel.Failure) -> SocketRow? {
        guard channel != nil else { return tableConnection(local: local, remote: remote) }
        return try channel?.connection(local: local, remote: remote)
    }

    private func tableConnection(local: Endpoint, remote: Endpoint) -> SocketRow? {
        var rows: [SocketRow] = []
        let wanted = SocketEnds(local: local, remote: remote, isTCP: true)
        _ = table([.tcp, .tcp6], into: &rows) { $0.isConnection && $0.ends == wanted }
        return rows.count == 1 ? rows.first : nil
    }
}

extension SocketSource {
    /// Nil when there is no netlink, or no more: the tables have to do then, for good.
    private mutating func ask(
        _ body: (inout SockDiagChannel) throws(SockDiagChannel.Failure) -> SockDiagChannel.Quality
    ) -> SockDiagChannel.Quality? {
        guard var open = channel.take() else { return nil }
        do throws(SockDiagChannel.Failure) {
            let quality = try body(&open)
            channel = .some(open)
            return quality
        } catch {
            // A kernel without a kind of socket says ENOENT; anything transient leaves the list incomplete.
            switch error.code {
            case EPERM, EACCES, ENOSYS, EPROTONOSUPPORT, EAFNOSUPPORT, EOPNOTSUPP, EBADF:
                losses.formUnion(SocketLoss.ofTables)
                return nil
            case ENOENT:
                channel = .some(open)
                losses.insert(.tables)
                return .complete
            default:
                channel = .some(open)
                return .incomplete
            }
        }
    }

    private mutating func note(_ quality: SockDiagChannel.Quality) -> Bool {
        switch quality {
        case .complete: return true
        case .truncated:
            losses.insert(.truncated)
            return true
        case .incomplete:
            losses.insert(.consistency)
            return false
        }
    }

    /// Forgets what was noted of earlier lists.
    mutating func beginLook() {
        losses.remove(.consistency)
        losses.remove(.truncated)
        losses.remove(.tables)
    }

    private func table(
        _ transports: [SocketTransport], into rows: inout [SocketRow], _ isWanted: (SocketRow) -> Bool
    ) -> Bool {
        for transport in transports {
            guard let bytes = try? files.read("net/\(transport.rawValue)", limit: Self.maximumTableBytes) else {
                continue
            }
            rows += SocketTable.rows(bytes, transport: transport).lazy.filter(isWanted).prefix(
                max(0, limit - rows.count))
        }
        return true
    }
}
