import DTMTestSupport
import DTMCore
import SwiftASN1
import Testing
import X509

@testable import DTMCertificates

/// A certificate with any change in what is signed is refused, and no input makes the verifier trap.
@Suite struct MutationTests {
    let fixture: Fixture
    let verifier: PeerVerifier
    let leaf: [UInt8]

    init() throws {
        fixture = try Fixture()
        verifier = try fixture.verifier()
        leaf = try #require(fixture.leaf().chain.first)
    }

    private func isAccepted(_ der: [UInt8]) -> Bool {
        verifier.verify(chain: [der], expecting: .client(of: fixture.tunnel), now: fixture.now).code == nil
    }

    @Test func `Every single flipped bit is noticed`() {
        for bit in 0..<leaf.count * 8 {
            var mutated = leaf
            mutated[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!isAccepted(mutated), "bit \(bit)")
        }
    }

    @Test func `A signature that claims unused bits is another way to write the same, and refused`() throws {
        var der = leaf
        while der.last.map({ $0 & 1 == 1 }) ?? false { der = try #require(fixture.leaf().chain.first) }
        let count = try Certificate(derEncoded: der).signature.rawRepresentation.count
        #expect(isAccepted(der))
        der[der.count - count - 1] = 1
        #expect((try? Certificate(derEncoded: der)) != nil)
        #expect(!isAccepted(der))
    }

    @Test func `Every truncation is noticed`() {
        for length in 0..<leaf.count { #expect(!isAccepted(Array(leaf.prefix(length)))) }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `Bytes that are replaced, inserted, removed, doubled or swapped are noticed`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in SeededGenerator.rounds(400) {
            let mutated = mutate(leaf, &generator)
            guard mutated != leaf else { continue }
            #expect(!isAccepted(mutated))
        }
    }

    @Test func `Random bytes in the guise of DER are refused`() {
        var generator = SeededGenerator(seed: 7)
        for _ in SeededGenerator.rounds(2_000) {
            let count = Int.random(in: 0..<200, using: &generator)
            var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            // Plausible tags and lengths reach deeper into the parser.
            for index in stride(from: 0, to: max(0, min(count - 1, 24)), by: 2) {
                bytes[index] =
                    [0x30, 0x02, 0x03, 0x04, 0x06, 0x31, 0xa0, 0xa3].randomElement(using: &generator) ?? 0x30
                bytes[index + 1] = UInt8(clamping: count - index - 2)
            }
            #expect(!isAccepted(bytes))
        }
    }

    private func mutate(_ der: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = der
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0..<bytes.count - 8, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
            case 1: bytes.insert(UInt8.random(in: .min ... .max, using: &generator), at: place)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(contentsOf: bytes[place..<place + 8], at: place)
            default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &generator))
            }
        }
        return bytes
    }
}
