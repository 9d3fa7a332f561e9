import DTMCore
import DTMTestSupport
@testable import DTMDiscovery
import Testing

/// Makes the kernel's answers byte by byte.
struct AnswerBuilder {
    var bytes: [UInt8] = []

    mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number) { bytes += $0 }
    }

    mutating func message(
        type: UInt16 = 20, flags: UInt16 = 2, sequence: UInt32 = 7, _ body: (inout AnswerBuilder) -> Void
    ) {
        var inner = AnswerBuilder()
        body(&inner)
        put(UInt32(16 + inner.bytes.count))
        put(type)
        put(flags)
        put(sequence)
        put(UInt32(0))
        bytes += inner.bytes
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    mutating func attribute(_ type: UInt16, _ value: [UInt8]) {
        put(UInt16(4 + value.count))
        put(type)
        bytes += value
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    /// `struct inet_diag_msg`.
    mutating func inet(
        family: UInt8 = 2, state: UInt8 = 1, ports: (UInt16, UInt16) = (6_379, 50_000),
        source: [UInt8] = [127, 0, 0, 1],
        destination: [UInt8] = [127, 0, 0, 1], uid: UInt32 = 113, inode: UInt32 = 5_001
    ) {
        bytes += [family, state, 0, 0]
        put(ports.0.bigEndian)
        put(ports.1.bigEndian)
        for address in [source, destination] { bytes += address + [UInt8](repeating: 0, count: 16 - address.count) }
        put(UInt32(0))
        put(UInt32(0x1111))
        put(UInt32(0x2222))
        for _ in 0..<3 { put(UInt32(0)) }
        put(uid)
        put(inode)
    }

    mutating func done(sequence: UInt32 = 7, flags: UInt16 = 2) {
        message(type: 3, flags: flags, sequence: sequence) { $0.put(Int32(0)) }
    }
}

@Suite("Reading the kernel's answers about sockets")
struct SockDiagParserTests {
    private func parse(
        _ builder: AnswerBuilder, limit: Int = 100
    ) -> (rows: [SocketRow], verdict: SockDiagVerdict, parser: SockDiagParser) {
        var parser = SockDiagParser(sequence: 7, isTCP: true, limit: limit)
        var rows: [SocketRow] = []
        let verdict = parser.inet(builder.bytes.span.bytes, into: &rows)
        return (rows, verdict, parser)
    }

    @Test("A connection with its control group and its counters")
    func connection() throws {
        var information = [UInt8](repeating: 0, count: 240)
        func store<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
            withUnsafeBytes(of: number) { information.replaceSubrange(offset..<offset + $0.count, with: $0) }
        }
        store(UInt32(1_234), at: 68)
        store(UInt32(3), at: 100)
        store(UInt64(1) << 40, at: 120)
        store(UInt64(99), at: 128)
        var builder = AnswerBuilder()
        builder.message {
            $0.inet()
            $0.attribute(5, [0])
            $0.attribute(21, [8, 1, 0, 0, 0, 0, 0, 0])
            $0.attribute(2, information)
            $0.attribute(999, [1, 2, 3])
        }
        builder.done()
        let (rows, verdict, _) = parse(builder)
        #expect(verdict == .done)
        let row = try #require(rows.first)
        #expect(row.transport == .tcp && row.state == .established)
        #expect(row.local == Endpoint("127.0.0.1:6379") && row.remote == Endpoint("127.0.0.1:50000"))
        #expect(row.uid == 113 && row.inode == 5_001)
        #expect(row.cookie == 0x2222_0000_1111)
        #expect(row.controlGroup == 264)
        let counters = TCPCounters(
            bytesAcknowledged: 1 << 40, bytesReceived: 99, roundTripMicroseconds: 1_234, retransmissions: 3)
        #expect(row.counters == counters)
    }

    @Test("An IPv6 listener, in an answer to the older request")
    func six() {
        var builder = AnswerBuilder()
        builder.message(type: 18) {
            $0.inet(
                family: 10, state: 10, ports: (80, 0), source: [UInt8](repeating: 0, count: 15) + [1],
                destination: [UInt8](repeating: 0, count: 16))
        }
        let (rows, verdict, _) = parse(builder)
        #expect(verdict == .more)
        #expect(rows.map(\.local) == [Endpoint("[::1]:80")])
        #expect(rows.first?.isListener == true)
        #expect(rows.first?.transport == .tcp6)
    }

    @Test("A shorter structure of an older kernel has no counters")
    func olderKernel() {
        var builder = AnswerBuilder()
        builder.message {
            $0.inet()
            $0.attribute(2, [UInt8](repeating: 1, count: 104))
        }
        #expect(parse(builder).rows.first?.counters == nil)
        #expect(parse(builder).rows.count == 1)
    }

    @Test("Messages that answer another question are passed over, their end too")
    func otherSequence() {
        var builder = AnswerBuilder()
        builder.message(sequence: 6) { $0.inet() }
        builder.done(sequence: 6)
        builder.message { $0.inet(inode: 9) }
        let (rows, verdict, _) = parse(builder)
        #expect(rows.map(\.inode) == [9])
        #expect(verdict == .more)
    }

    @Test("An interruption is noted, wherever it is marked")
    func interrupted() {
        var builder = AnswerBuilder()
        builder.message(flags: 0x12) { $0.inet() }
        builder.done()
        #expect(parse(builder).parser.wasInterrupted)
        var other = AnswerBuilder()
        other.done(flags: 0x12)
        #expect(parse(other).parser.wasInterrupted)
    }

    @Test("Refusals come with their number, at the beginning and at the end")
    func refusals() {
        var builder = AnswerBuilder()
        builder.message(type: 2) { $0.put(Int32(-1)) }
        #expect(parse(builder).verdict == .failed(1))
        var late = AnswerBuilder()
        late.message(type: 3) { $0.put(Int32(-12)) }
        #expect(parse(late).verdict == .failed(12))
        var smallest = AnswerBuilder()
        smallest.message(type: 2) { $0.put(Int32.min) }
        #expect(parse(smallest).verdict == .failed(.max))
    }

    @Test("More rows than are wanted are counted out, and that is noted")
    func limit() {
        var builder = AnswerBuilder()
        for inode in 1...5 { builder.message { $0.inet(inode: UInt32(inode)) } }
        builder.done()
        let (rows, verdict, parser) = parse(builder, limit: 3)
        #expect(rows.count == 3 && parser.wasTruncated && verdict == .done)
    }

    @Test("Lengths that lie end the reading", arguments: [0, 4, 15, 17, 0x7fff_ffff, 0xffff_ffff] as [UInt32])
    func lyingLengths(length: UInt32) {
        var builder = AnswerBuilder()
        builder.message { _ in }
        withUnsafeBytes(of: length) { builder.bytes.replaceSubrange(0..<4, with: $0) }
        let (rows, verdict, _) = parse(builder)
        #expect(rows.isEmpty)
        #expect(verdict == .malformed)
    }

    @Test("Attributes whose lengths lie are left out, the row is kept", arguments: [0, 3, 13, 0xffff] as [UInt16])
    func lyingAttributes(length: UInt16) {
        var builder = AnswerBuilder()
        builder.message {
            $0.inet()
            $0.put(length)
            $0.put(UInt16(21))
            $0.put(UInt64(5))
        }
        #expect(parse(builder).rows.map(\.controlGroup) == [nil])
    }

    @Test("Unix listeners: paths end at a zero, abstract names begin with one, others are left out")
    func unix() {
        func row(_ builder: inout AnswerBuilder, state: UInt8 = 10, inode: UInt32, name: [UInt8]?) {
            builder.message {
                $0.bytes += [1, 1, state, 0]
                $0.put(inode)
                $0.put(UInt64(0))
                if let name { $0.attribute(0, name) }
                $0.attribute(7, [55, 0, 0, 0])
            }
        }
        var builder = AnswerBuilder()
        row(&builder, inode: 1, name: Array("/run/a b\0rest".utf8))
        row(&builder, inode: 2, name: [0] + Array("x\u{1b}".utf8))
        row(&builder, inode: 3, name: nil)
        row(&builder, inode: 4, name: [0])
        row(&builder, state: 1, inode: 5, name: Array("/connected".utf8))
        row(&builder, inode: 6, name: Array("/known".utf8))
        builder.done()
        var parser = SockDiagParser(sequence: 7, isTCP: false, limit: 100)
        var rows: [UnixListenerRow] = []
        let verdict = parser.unix(
            builder.bytes.span.bytes, into: &rows,
            known: { $0 == 6 ? UnixListenerRow(inode: 6, path: "as before") : nil })
        #expect(verdict == .done)
        #expect(rows.map(\.path) == ["/run/a b", "@x\u{fffd}", "as before"])
        #expect(rows.map(\.uid) == [55, 55, nil])
    }

    @Test("Whatever the bytes are, nothing outside them is read and no more rows come than are wanted")
    func fuzz() {
        var generator = SeededGenerator(seed: 3)
        var builder = AnswerBuilder()
        builder.message {
            $0.inet()
            $0.attribute(21, [1, 0, 0, 0, 0, 0, 0, 0])
            $0.attribute(2, [UInt8](repeating: 7, count: 240))
        }
        builder.message {
            $0.bytes += [1, 1, 10, 0]
            $0.put(UInt32(9))
            $0.put(UInt64(0))
            $0.attribute(0, Array("/run/x".utf8))
        }
        builder.done()
        for _ in SeededGenerator.rounds(20_000) {
            var bytes = generator.mutated(builder.bytes)
            bytes.removeLast(Int.random(in: 0...min(24, bytes.count), using: &generator))
            var parser = SockDiagParser(sequence: 7, isTCP: true, limit: 4)
            var rows: [SocketRow] = []
            _ = parser.inet(bytes.span.bytes, into: &rows)
            var names: [UnixListenerRow] = []
            _ = parser.unix(bytes.span.bytes, into: &names)
            #expect(rows.count <= 4 && names.count <= 4)
        }
    }
}
