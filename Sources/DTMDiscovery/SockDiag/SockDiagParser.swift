import DTMCore

/// What one datagram of an answer said of the answer as a whole.
enum SockDiagVerdict: Hashable {
    /// More datagrams come.
    case more
    case done
    /// The kernel refused, with an error number.
    case failed(Int32)
    /// It is not what the protocol allows.
    case malformed
}

/// Takes the kernel's answers apart. A pure value over bytes: whatever they are, nothing outside them is read.
struct SockDiagParser {
    /// The number that the request carried: messages with another one answer somebody else, or an earlier question.
    var sequence: UInt32
    /// TCP or UDP: the answer does not tell.
    var isTCP: Bool
    /// The most rows that are kept.
    var limit: Int
    /// Whether the kernel marked the answer as inconsistent.
    var wasInterrupted = false
    /// Whether rows were left out because of `limit`.
    var wasTruncated = false

    typealias Kernel = SockDiagProtocol

    /// Appends the IP sockets in one datagram to `rows`.
    mutating func inet(_ bytes: RawSpan, into rows: inout [SocketRow]) -> SockDiagVerdict {
        var offset = 0
        while let message = Message(bytes, at: offset) {
            offset = message.next
            if message.sequence != sequence { continue }
            if message.isInterrupted { wasInterrupted = true }
            if let end = message.end(bytes) { return end }
            guard let row = inetRow(bytes, message) else { continue }
            if rows.count < limit { rows.append(row) } else { wasTruncated = true }
        }
        return offset >= bytes.byteCount ? .more : .malformed
    }

    /// Appends the Unix listeners with a name in one datagram to `rows`. `known` answers for inodes whose row need not be
    /// made again.
    mutating func unix(
        _ bytes: RawSpan, into rows: inout [UnixListenerRow], known: (UInt64) -> UnixListenerRow? = { _ in nil }
    ) -> SockDiagVerdict {
        var offset = 0
        while let message = Message(bytes, at: offset) {
            offset = message.next
            if message.sequence != sequence { continue }
            if message.isInterrupted { wasInterrupted = true }
            if let end = message.end(bytes) { return end }
            guard let row = unixRow(bytes, message, known: known) else { continue }
            if rows.count < limit { rows.append(row) } else { wasTruncated = true }
        }
        return offset >= bytes.byteCount ? .more : .malformed
    }

    private func inetRow(_ bytes: RawSpan, _ message: Message) -> SocketRow? {
        guard message.isAnswer, message.bodyBytes >= Kernel.inetBytes else { return nil }
        let base = message.body
        let family = bytes.byte(base)
        guard family == Kernel.ipv4 || family == Kernel.ipv6,
            let state = SocketState(rawValue: bytes.byte(base + 1))
        else { return nil }
        let isSix = family == Kernel.ipv6
        var row = SocketRow(
            transport: isTCP ? (isSix ? .tcp6 : .tcp) : (isSix ? .udp6 : .udp), state: state,
            local: bytes.endpoint(port: base + 4, address: base + 8, isSix: isSix),
            remote: bytes.endpoint(port: base + 6, address: base + 24, isSix: isSix), uid: bytes.word(base + 64),
            inode: UInt64(bytes.word(base + 68)),
            cookie: UInt64(bytes.word(base + 44)) | UInt64(bytes.word(base + 48)) << 32)
        var attributes = Attributes(from: base + Kernel.inetBytes, to: message.end)
        while let attribute = attributes.next(bytes) {
            switch attribute.type {
            case Kernel.controlGroup where attribute.count >= 8: row.controlGroup = bytes.long(attribute.start)
            case Kernel.tcpInfo: row.counters = isTCP ? counters(bytes, attribute) : nil
            default: break
            }
        }
        return row
    }

    /// Kernels before 4.6 send a shorter structure without what is wanted.
    private func counters(_ bytes: RawSpan, _ attribute: Attributes.Attribute) -> TCPCounters? {
        guard attribute.count >= 136 else { return nil }
        return TCPCounters(
            bytesAcknowledged: bytes.long(attribute.start + 120), bytesReceived: bytes.long(attribute.start + 128),
            roundTripMicroseconds: bytes.word(attribute.start + 68),
            retransmissions: bytes.word(attribute.start + 100))
    }

    private func unixRow(
        _ bytes: RawSpan, _ message: Message, known: (UInt64) -> UnixListenerRow?
    ) -> UnixListenerRow? {
        guard message.isAnswer, message.bodyBytes >= Kernel.unixBytes,
            bytes.byte(message.body) == Kernel.unix, bytes.byte(message.body + 2) == SocketState.listen.rawValue
        else { return nil }
        let inode = UInt64(bytes.word(message.body + 4))
        if let row = known(inode) { return row }
        var row = UnixListenerRow(inode: inode, path: "")
        var attributes = Attributes(from: message.body + Kernel.unixBytes, to: message.end)
        while let attribute = attributes.next(bytes) {
            switch attribute.type {
            case Kernel.unixName: row.path = Self.name(bytes, attribute)
            case Kernel.unixUID where attribute.count >= 4: row.uid = bytes.word(attribute.start)
            default: break
            }
        }
        return row.path.isEmpty ? nil : row
    }

    /// A path ends at a zero byte; a name in the abstract namespace begins with one, and may hold more.
    private static func name(_ bytes: RawSpan, _ attribute: Attributes.Attribute) -> String {
        let count = min(attribute.count, Kernel.maximumUnixName)
        var name = (0..<count).map { bytes.byte(attribute.start + $0) }
        guard let first = name.first else { return "" }
        if first == 0 { return count == 1 ? "" : "@" + ByteFields.printable(name.dropFirst()) }
        if let end = name.firstIndex(of: 0) { name.removeSubrange(end...) }
        return ByteFields.printable(name)
    }
}

extension SockDiagParser {
    /// The frame of one message: where its body is and which question it answers.
    struct Message {
        var type: UInt16
        var flags: UInt16
        var sequence: UInt32
        var body: Int
        var end: Int
        var next: Int

        /// Nil at the end of the datagram, and where no whole message follows.
        init?(_ bytes: RawSpan, at offset: Int) {
            guard offset >= 0, bytes.byteCount - offset >= Kernel.headerBytes else { return nil }
            let length = Int(bytes.word(offset))
            guard length >= Kernel.headerBytes, length <= bytes.byteCount - offset else { return nil }
            type = bytes.half(offset + 4)
            flags = bytes.half(offset + 6)
            sequence = bytes.word(offset + 8)
            body = offset + Kernel.headerBytes
            end = offset + length
            next = offset + (length + 3) & ~3
        }

        var bodyBytes: Int { end - body }
        var isAnswer: Bool { type == Kernel.answer || type == Kernel.olderAnswer }
        var isInterrupted: Bool { flags & Kernel.interrupted != 0 }

        /// What the message says about the end of the answer; nil when it is a part of it.
        func end(_ bytes: RawSpan) -> SockDiagVerdict? {
            switch type {
            case Kernel.done:
                // A dump that failed midway ends with a negative number.
                guard bodyBytes >= 4 else { return .done }
                let code = Int32(bitPattern: bytes.word(body))
                return code < 0 ? .failed(code == .min ? .max : -code) : .done
            case Kernel.error:
                guard bodyBytes >= 4 else { return .malformed }
                let code = Int32(bitPattern: bytes.word(body))
                return code < 0 ? .failed(code == .min ? .max : -code) : .malformed
            default: return nil
            }
        }
    }

    /// Goes through the attributes behind a message's fixed part.
    struct Attributes {
        struct Attribute {
            var type: UInt16
            var start: Int
            var count: Int
        }

        private var offset: Int
        private let end: Int

        init(from offset: Int, to end: Int) {
            self.offset = offset
            self.end = end
        }

        mutating func next(_ bytes: RawSpan) -> Attribute? {
            guard end - offset >= Kernel.attributeHeaderBytes else { return nil }
            let length = Int(bytes.half(offset))
            guard length >= Kernel.attributeHeaderBytes, length <= end - offset else { return nil }
            let attribute = Attribute(
                type: bytes.half(offset + 2) & Kernel.attributeTypeMask, start: offset + Kernel.attributeHeaderBytes,
                count: length - Kernel.attributeHeaderBytes)
            offset += (length + 3) & ~3
            return attribute
        }
    }
}

extension RawSpan {
    // Each of these traps outside the span; the callers compare with its length first.
    func byte(_ offset: Int) -> UInt8 { unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
    func half(_ offset: Int) -> UInt16 { unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self) }
    func word(_ offset: Int) -> UInt32 { unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    func long(_ offset: Int) -> UInt64 { unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self) }

    fileprivate func endpoint(port: Int, address: Int, isSix: Bool) -> Endpoint {
        let number = UInt16(bigEndian: half(port))
        guard isSix else { return Endpoint(address: .v4(UInt32(bigEndian: word(address))), port: number) }
        return Endpoint(
            address: .v6(high: UInt64(bigEndian: long(address)), low: UInt64(bigEndian: long(address + 8))),
            port: number)
    }
}
