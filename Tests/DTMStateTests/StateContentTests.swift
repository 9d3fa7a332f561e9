import DTMSecrets
import DTMTestSupport
import Testing

@testable import DTMState

@Suite struct StateContentTests {
    private func encoded(_ content: StateContent) throws -> [UInt8] { copy(SharedSecret(try content.encoded())) }

    private func decoded(_ bytes: [UInt8]) throws -> StateContent {
        try StateContent(decoding: try secret(bytes).bytes, file: "test")
    }

    @Test func `What is encoded comes out again, secrets as secrets`() throws {
        let content = try sample(1)
        let again = try decoded(encoded(content))
        #expect(plain(again) == plain(content))
        #expect(again.secret("short-secret") != nil && again.bytes("short-secret") == nil)
        #expect(again.bytes("number") == Array("number 1".utf8) && again.secret("number") == nil)
        #expect(again.bytes("empty") == [])
        #expect(again.bytes("nothing") == nil && again.secret("nothing") == nil)
        // The control: another content is told from it.
        #expect(plain(try sample(2)) != plain(content))
    }

    @Test func `A section that is set to nil is gone, and an empty content is kept`() throws {
        var content = StateContent()
        content.set("a", .bytes([1]))
        content.set("a", nil)
        #expect(try decoded(encoded(content)).sections.isEmpty)
    }

    @Test func `The largest content is kept, and one byte more is refused`() throws {
        let frame = 14 + 6 + 1
        var content = StateContent()
        content.set("a", .bytes(bytes(StateContent.maximumBytes - frame)))
        #expect(try plain(decoded(encoded(content))) == plain(content))
        content.set("a", .bytes(bytes(StateContent.maximumBytes - frame + 1)))
        expectRefusal(.tooLarge) { try encoded(content) }
    }

    @Test func `The most sections are kept, and one more is refused`() throws {
        var content = StateContent()
        for number in 0..<StateContent.maximumSections { content.set("s\(number)", .bytes([])) }
        #expect(try decoded(encoded(content)).sections.count == StateContent.maximumSections)
        content.set("one-more", .bytes([]))
        expectRefusal(.tooLarge) { try encoded(content) }
    }

    @Test func `The longest name is kept`() throws {
        var content = StateContent()
        content.set(String(repeating: "~", count: StateContent.maximumName), .bytes([1]))
        #expect(try plain(decoded(encoded(content))) == plain(content))
    }

    private static let head = Array("DTMSTATE".utf8) + [0, 1]

    @Test func `Names that may not be, and that come twice, are refused`() throws {
        func one(_ name: [UInt8]) -> [UInt8] {
            Self.head + [0, 0, 0, 1, UInt8(name.count)] + name + [0, 0, 0, 0, 1, 9]
        }
        #expect(try decoded(one(Array("fine".utf8))).bytes("fine") == [9])
        for name in [[], [0x20], [0x7f], [0xff, 0xfe], Array("é".utf8), bytes(129).map { $0 & 0x0f | 0x40 }] {
            expectRefusal(.malformed, of: "\(name)") { try decoded(one(name)) }
        }
        let twice = Self.head + [0, 0, 0, 2] + [1, 0x61, 0, 0, 0, 0, 0] + [1, 0x61, 0, 0, 0, 0, 0]
        expectRefusal(.malformed) { try decoded(twice) }
    }

    @Test func `Unknown kinds, empty secrets, other versions, counts and lengths that lie are refused`() throws {
        func section(_ kind: UInt8, _ length: [UInt8], _ content: [UInt8]) -> [UInt8] {
            Self.head + [0, 0, 0, 1, 1, 0x61, kind] + length + content
        }
        #expect(try decoded(section(1, [0, 0, 0, 1], [7])).secret("a") != nil)
        expectRefusal(.malformed) { try decoded(section(2, [0, 0, 0, 1], [7])) }
        expectRefusal(.malformed) { try decoded(section(1, [0, 0, 0, 0], [])) }
        for length: [UInt8] in [[0, 0, 0, 2], [0x7f, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff]] {
            for kind: UInt8 in [0, 1] { expectRefusal(.truncated) { try decoded(section(kind, length, [7])) } }
        }
        expectRefusal(.malformed) { try decoded(section(0, [0, 0, 0, 1], [7, 8])) }
        expectRefusal(.malformed) { try decoded(Array("DTMSTATE".utf8) + [0, 2, 0, 0, 0, 0]) }
        expectRefusal(.malformed) { try decoded(Array("DTMSTATF".utf8) + [0, 1, 0, 0, 0, 0]) }
        expectRefusal(.malformed) { try decoded(Self.head + [0, 0, 0x40, 1]) }
        expectRefusal(.malformed) { try decoded(Self.head + [0xff, 0xff, 0xff, 0xff]) }
    }

    @Test func `A content that is cut short anywhere is refused`() throws {
        let whole = try encoded(sample(3))
        #expect(throws: Never.self) { try decoded(whole) }
        for length in 1..<min(whole.count, 200) { expectRefusal(.truncated) { try decoded(Array(whole[..<length])) } }
        for length in [whole.count / 2, whole.count - 1] {
            expectRefusal(.truncated) { try decoded(Array(whole[..<length])) }
        }
    }

    @Test func `Bytes that were changed at random are read or refused, never worse`() throws {
        var content = StateContent()
        content.set("a", .bytes([1, 2, 3]))
        content.set("b", .secret(try secret([4, 5, 6])))
        let whole = try encoded(content)
        var generator = SeededGenerator(seed: 71)
        for _ in SeededGenerator.rounds(2_000) {
            let changed = generator.mutated(whole)
            guard !changed.isEmpty else { continue }
            do {
                let read = try decoded(changed)
                #expect(try plain(decoded(encoded(read))) == plain(read))
            } catch let error as StateError {
                #expect([.malformed, .truncated].contains(error.code), "\(error)")
            }
        }
    }
}
