import CDTMLinux
public import DTMCore
import Glibc

/// A socket of `sock_diag(7)` with its buffer: open → list or look up, any number of times → closed with the value.
///
/// One thread at a time. Needs no rights; a sandbox may forbid it, and then opening fails and `/proc/net` remains.
public struct SockDiagChannel: ~Copyable {
    /// How a list was made.
    public enum Quality: Hashable, Sendable {
        case complete
        /// The tables changed under every attempt, or the kernel had to drop datagrams.
        case incomplete
        /// There were more than are kept.
        case truncated
    }

    /// Why the kernel did not answer: an error number (`errno(3)`), or `EPROTO` for an answer that makes no sense.
    public struct Failure: Error, Hashable {
        public let code: Int32
    }

    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: bufferBytes)
    private var sequence: UInt32 = 0
    let limit: Int

    /// The kernel sends at most this much in one datagram (`netlink_dump` in `net/netlink/af_netlink.c`).
    private static let bufferBytes = 1 << 16
    /// How often a list that came out inconsistent is made again.
    private static let attempts = 3
    /// The most datagrams that are read of one answer: 256 MiB.
    private static let maximumDatagrams = 1 << 13

    /// - Parameter limit: The most rows of one list.
    /// - Throws: ``Failure`` where netlink is not allowed.
    public init(limit: Int = 1 << 17) throws(Failure) {
        let outcome = dtm_sock_diag_open()
        guard outcome >= 0 else { throw Failure(code: -outcome) }
        descriptor = outcome
        self.limit = limit
    }

    deinit { close(descriptor) }

    /// The listening TCP sockets of both versions of IP. Cheap: the kernel walks its listeners alone.
    public mutating func tcpListeners(into rows: inout [SocketRow]) throws(Failure) -> Quality {
        try list(query(0, SockDiagProtocol.tcp, SockDiagProtocol.listening), into: &rows)
    }

    /// The TCP connections that processes can hold. The kernel walks its whole table.
    ///
    /// - Parameter withCounters: Whether to ask for what the kernel counts, which takes longer.
    public mutating func tcpConnections(
        withCounters: Bool, into rows: inout [SocketRow]
    ) throws(Failure) -> Quality {
        let details = withCounters ? SockDiagProtocol.tcpInfoRequest : 0
        return try list(query(0, SockDiagProtocol.tcp, SockDiagProtocol.connected, details), into: &rows)
    }

    /// The UDP sockets of both versions of IP, bound or connected.
    public mutating func udpSockets(into rows: inout [SocketRow]) throws(Failure) -> Quality {
        var quality = Quality.complete
        for family in [SockDiagProtocol.ipv4, SockDiagProtocol.ipv6] {
            let one = try list(query(family, SockDiagProtocol.udp, SockDiagProtocol.datagram), into: &rows)
            if one != .complete { quality = one }
        }
        return quality
    }

    /// The Unix sockets that listen and have a name.
    ///
    /// - Parameter known: Rows that were made before, by inode: so that their texts are not made anew.
    public mutating func unixListeners(
        into rows: inout [UnixListenerRow], known: (UInt64) -> UnixListenerRow? = { _ in nil }
    ) throws(Failure) -> Quality {
        let start = rows.count
        for _ in 0..<Self.attempts {
            rows.removeSubrange(start...)
            var parser = try ask(
                query(SockDiagProtocol.unix, 0, SockDiagProtocol.listening, SockDiagProtocol.unixRequest))
            let isWhole = try receive { bytes in parser.unix(bytes, into: &rows, known: known) }
            if let quality = Self.quality(parser, isWhole: isWhole) { return quality }
        }
        return .incomplete
    }

    /// The connection between two ends, as seen from `local`; nil when there is none.
    ///
    /// TIME_WAIT, half-open connections and those that no process holds any more have the inode 0: they are nobody's,
    /// whatever user the kernel shows with them.
    public mutating func connection(local: Endpoint, remote: Endpoint) throws(Failure) -> SocketRow? {
        var from = dtm_tcp_address(Endpoint(address: local.address.unmapped, port: local.port))
        var to = dtm_tcp_address(Endpoint(address: remote.address.unmapped, port: remote.port))
        sequence &+= 1
        let outcome = dtm_sock_diag_request_one(descriptor, &from, &to, sequence)
        guard outcome >= 0 else { throw Failure(code: -outcome) }
        var parser = SockDiagParser(sequence: sequence, isTCP: true, limit: 1)
        var rows: [SocketRow] = []
        for _ in 0..<Self.attempts {
            let count = try datagram()
            let verdict = parser.inet(buffer.span.bytes.extracting(first: count), into: &rows)
            if let row = rows.first {
                let wanted = SocketEnds(local: local, remote: remote, isTCP: true)
                return row.state != .listen && row.ends == wanted ? row : nil
            }
            switch verdict {
            case .more, .done: continue
            case .failed(ENOENT): return nil
            case .failed(let code): throw Failure(code: code)
            case .malformed: throw Failure(code: EPROTO)
            }
        }
        throw Failure(code: EPROTO)
    }
}

extension SockDiagChannel {
    private func query(
        _ family: UInt8, _ transport: UInt8, _ states: UInt32, _ details: UInt32 = 0
    ) -> dtm_socket_query {
        dtm_socket_query(family: family, protocol: transport, states: states, details: details, sequence: 0)
    }

    private mutating func list(
        _ query: dtm_socket_query, into rows: inout [SocketRow]
    ) throws(Failure) -> Quality {
        let start = rows.count
        for _ in 0..<Self.attempts {
            rows.removeSubrange(start...)
            var parser = try ask(query)
            let isWhole = try receive { bytes in parser.inet(bytes, into: &rows) }
            if let quality = Self.quality(parser, isWhole: isWhole) { return quality }
        }
        return .incomplete
    }

    private mutating func ask(_ query: dtm_socket_query) throws(Failure) -> SockDiagParser {
        sequence &+= 1
        var query = query
        query.sequence = sequence
        let outcome = dtm_sock_diag_request_dump(descriptor, &query)
        guard outcome >= 0 else { throw Failure(code: -outcome) }
        return SockDiagParser(sequence: sequence, isTCP: query.protocol == SockDiagProtocol.tcp, limit: limit)
    }

    /// Reads datagrams until the answer ends; false when some were dropped or made no sense. The rest is read all the same:
    /// the kernel takes no other question before (EBUSY).
    private mutating func receive(_ parse: (RawSpan) -> SockDiagVerdict) throws(Failure) -> Bool {
        var isWhole = true
        for _ in 0..<Self.maximumDatagrams {
            do throws(Failure) {
                let count = try datagram()
                switch parse(buffer.span.bytes.extracting(first: count)) {
                case .more: continue
                case .done: return isWhole
                case .failed(let code): throw Failure(code: code)
                case .malformed: isWhole = false
                }
            } catch {
                guard error.code == ENOBUFS || error.code == EMSGSIZE else { throw error }
                isWhole = false
            }
        }
        throw Failure(code: EPROTO)
    }

    /// How many bytes of the buffer the next datagram takes.
    private mutating func datagram() throws(Failure) -> Int {
        let capacity = buffer.count
        let descriptor = descriptor
        let received = buffer.withUnsafeMutableBytes { dtm_sock_diag_receive(descriptor, $0.baseAddress, capacity) }
        guard received >= 0 else { throw Failure(code: Int32(-received)) }
        return min(received, capacity)
    }

    /// Nil: once more.
    private static func quality(_ parser: SockDiagParser, isWhole: Bool) -> Quality? {
        guard isWhole, !parser.wasInterrupted else { return nil }
        return parser.wasTruncated ? .truncated : .complete
    }
}

extension dtm_tcp_address {
    init(_ endpoint: Endpoint) {
        self.init()
        port = endpoint.port
        switch endpoint.address {
        case .v4(let address):
            version = 4
            withUnsafeMutableBytes(of: &bytes) { $0.storeBytes(of: address.bigEndian, as: UInt32.self) }
        case .v6(let high, let low):
            version = 6
            withUnsafeMutableBytes(of: &bytes) { bytes in
                bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
                bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
        }
    }
}
