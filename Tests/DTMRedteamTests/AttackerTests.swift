import DTMAPI
import DTMCore
import Testing

@testable import DTMRedteam

@Suite("What an attacker may do and see")
struct AttackerTests {
    @Test("no place outside 127.0.0.0/8 can even be named")
    func loopbackAlone() {
        for text in [
            "10.0.0.1:80", "0.0.0.0:5000", "128.0.0.1:1", "[::1]:80", "127.0.0.1:0", "127.0.0.1", "localhost:80",
        ] {
            #expect(LoopbackPlace(text) == nil, "\(text)")
        }
        #expect(LoopbackPlace("127.3.4.5:5123")?.description == "127.3.4.5:5123")
        #expect(LoopbackPlace(address: 0x0a00_0001, port: 80) == nil)
    }

    @Test("/proc/net/tcp shows who listens and who is followed; own connections and odd lines do not count")
    func listed() throws {
        let text = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0504037F:1403 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1
               1: 0904037F:1404 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 2
               2: 0504037F:1403 0100007F:9000 01 00000000:00000000 00:00000000 00000000 0 0 3
               3: 0904037F:1404 0100007F:9001 01 00000000:00000000 00:00000000 00000000 0 0 4
               4: 0100000A:1405 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 5
               5: 0504037F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 6
               6: what is this
            """
        let list = SocketList(text, ports: 5_000...6_000)
        #expect(list.listeners.map(\.description) == ["127.3.4.5:5123", "127.3.4.9:5124"])
        #expect(list.followed(without: []).count == 2)
        let own = try #require(LoopbackPlace("127.0.0.1:36865"))
        #expect(list.followed(without: [own]).map(\.port) == [5_123])
    }

    @Test("probes are counted up to the moment of the alarm")
    func counted() {
        var report = AttackerReport()
        for moment in [10, 20, 20, 30] as [Int64] { report.probe(at: moment) }
        #expect(report.probes == 4)
        #expect([9, 10, 25, 99].map { report.probes(until: $0) } == [0, 1, 3, 4])
    }

    @Test("only what can't be TLS counts as an answer of the application")
    func answers() {
        #expect(!Opening.isForeign([]) && !Opening.isForeign([0x15, 3, 3]) && !Opening.isForeign([0x16]))
        #expect(Opening.isForeign(Array("+PONG".utf8)))
        var dice = Dice(seed: 1)
        #expect(Opening.allCases.count { $0.bytes(&dice) == nil } == 3)
    }

    @Test("an order and an attacker's words survive the way there and back")
    func lines() throws {
        let order = AttackOrder(
            attack: .slowScan, lowestPort: 5_000, highestPort: 6_000, place: "127.0.0.1:1", path: nil, count: 3,
            rate: 0.5,
            seed: 9, limitSeconds: 4, uid: 65_534)
        #expect(try APIJSON.decode(AttackOrder.self, from: try APIJSON.encode(order)) == order)
        var report = AttackerReport()
        report.probe(at: 5)
        report.answer("127.0.0.1:1", at: 6)
        let said = AttackerLine.done(report)
        #expect(try APIJSON.decode(AttackerLine.self, from: try APIJSON.encode(said)) == said)
    }
}
