import DTMTestSupport
import Testing

@testable import DTMDoctor

@Suite struct ParserTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `Capabilities are read from the line of those in effect`() {
        let status = "Name:\tx\nCapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000081004\n"
        #expect(Parsers.effectiveCapabilities(bytes(status)) == [.readSearch, .netAdmin, .sysPtrace])
        for wrong in ["", "CapEff:", "CapEff:\tzz", "CapEff:\t11111111111111111", "capeff:\t0"] {
            #expect(Parsers.effectiveCapabilities(bytes(wrong)) == nil)
        }
    }

    @Test func `The last mount at /proc counts`() {
        let table = """
            22 28 0:21 / /proc rw,nosuid,relatime shared:5 - proc proc rw
            23 22 0:22 / /proc/sys/fs/binfmt_misc rw - binfmt_misc none rw,hidepid=2
            30 28 0:40 / /proc rw,noexec shared:9 master:1 - proc proc rw,hidepid=invisible,gid=7
            31 28 0:41 / /proc rw - tmpfs none rw
            """
        #expect(Parsers.procOptions(bytes(table)) == ["rw", "noexec", "rw", "hidepid=invisible", "gid=7"])
        #expect(Parsers.procOptions(bytes("22 28 0:21 / /proc rw")) == nil)
        #expect(Parsers.procOptions([]) == nil)
    }

    @Test func `Swaps are those below the heading`() {
        let table = "Filename\tType\tSize\tUsed\tPriority\n/dev/dm-1  partition 1 0 -2\n/swap\\040file file 1 0 -3\n"
        #expect(Parsers.swaps(bytes(table)) == ["/dev/dm-1", "/swap\\040file"])
        #expect(Parsers.swaps(bytes("Filename\n")) == [])
    }

    @Test func `Listeners are told from connections, and where they listen`() {
        let row = "00000000:00000000 00:00000000 00000000"
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 00000000:1388 00000000:0000 0A \(row)    33        0 1 1 0
               1: 0100007F:1389 00000000:0000 0A \(row)     0        0 2 1 0
               2: 0500087F:138A 00000000:0000 0A \(row)     1        0 3 1 0
               3: 0100007F:138B 0100007F:0001 01 \(row)     1        0 4 1 0
               4: 00000000000000000000000000000000:138C 00000000000000000000000000000000:0000 0A \(row) 5 0 5 1
               5: 00000000:FFFFF 00000000:0000 0A \(row)    33        0 1 1 0
               6: 00000000:1388 00000000:0000 0A
            """
        #expect(
            Parsers.listeners(bytes(table)) == [
                PortHolder(port: 5_000, place: .everywhere, uid: 33),
                PortHolder(port: 5_001, place: .localhost, uid: 0),
                PortHolder(port: 5_002, place: .elsewhere, uid: 1), PortHolder(port: 5_004, place: .everywhere, uid: 5),
            ])
    }

    @Test func `Ranges of ports`() {
        #expect(Parsers.range("32768\t60999") == 32_768...60_999)
        for wrong in ["", "1", "2 1", "1 70000", "1 2 3"] { #expect(Parsers.range(wrong) == nil) }
        #expect(Parsers.ranges("") == [])
        #expect(Parsers.ranges("8080,5000-6000,9-1,x,1-2-3,") == [8_080...8_080, 5_000...6_000])
    }

    @Test func `A record of processes is believed as far as it makes sense`() {
        let record = Parsers.processRecord(
            bytes("12 34 control\n13 35 dataplane\n1 2 control\n-5 2 control\n7 8 init\n"))
        #expect(record.map(\.pid) == [12, 13])
        #expect(record.map(\.startTicks) == [34, 35])
        #expect(Parsers.processRecord(bytes(String(repeating: "12 34 control\n", count: 400))).count == 16)
    }

    @Test func `A process is known by its parent and its start, whatever its name`() throws {
        let rest = "7 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1"
        let process = try #require(Parsers.process(bytes("12 (a) R 9 (x) S \(rest)")))
        #expect(process.parent == 7)
        #expect(process.startTicks == 4_711)
        #expect(Parsers.process(bytes("12 (a) Z \(rest)")) == nil)
        #expect(Parsers.process(bytes("12 (a")) == nil)
    }

    @Test func `Random bytes are survived`() {
        var generator = SeededGenerator(seed: 3)
        let alphabet = Array("0123456789ABCDEF :-,\t\n()/procCapEff:\u{0}".utf8) + [0xff, 0xc3]
        for _ in SeededGenerator.rounds(2_000) {
            let count = Int.random(in: 0...300, using: &generator)
            let input = (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            _ = Parsers.effectiveCapabilities(input)
            _ = Parsers.procOptions(input)
            _ = Parsers.swaps(input)
            _ = Parsers.listeners(input)
            _ = Parsers.processRecord(input)
            _ = Parsers.process(input)
            _ = Parsers.ranges(String(decoding: input, as: UTF8.self))
        }
    }
}
