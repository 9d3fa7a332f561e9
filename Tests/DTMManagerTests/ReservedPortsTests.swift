import DTMTestSupport
import Testing

@testable import DTMManager

@Suite struct ReservedPortsTests {
    @Test func `reads the TCP ports of a services list`() {
        let text = """
            # comment
            amqp\t\t5672/tcp
            sip 5060/tcp # Session Initiation
            sip 5060/udp
            odd 70000/tcp
            broken line
            none/tcp
            last 5999/tcp
            """
        #expect(ReservedPorts.parse(services: text.utf8) == [5_672, 5_060, 5_999])
    }

    @Test func `lists what lies in a range, ascending and once`() {
        let ports = ReservedPorts([5_100, 5_050, 5_432, 9]).within(5_040...5_500)
        #expect(ports == [5_050, 5_060, 5_061, 5_100, 5_173, 5_432])
    }

    @Test func `any bytes are read without harm`() {
        var generator = SplitMix(seed: 11)
        let alphabet = Array("tcp/udp #\n\t 0123456789\u{0}x".utf8)
        for _ in SeededGenerator.rounds(500) {
            let bytes = (0..<200).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            _ = ReservedPorts.parse(services: bytes)
        }
    }
}

/// Sebastiano Vigna's SplitMix64: small, and the same everywhere.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
