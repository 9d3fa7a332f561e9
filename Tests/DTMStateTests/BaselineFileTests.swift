import DTMCore
import DTMSecrets
import DTMTestSupport
import Testing

@testable import DTMState

@Suite struct BaselineFileTests {
    private func file(_ instance: InstanceID? = nil, _ keys: StateKeys? = nil) throws -> BaselineFile {
        BaselineFile(instance: instance ?? .random(), keys: try keys ?? StateKeys.random())
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 300_000])
    func `What was learnt comes back, whatever its length, and nothing of it is in the file`(count: Int) throws {
        let file = try file()
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let bytes = try file.encoded(content)
        #expect(try file.decode(bytes) == content)
        #expect(bytes.starts(with: [0xcb, 0xff]))
    }

    @Test func `Too much is refused`() throws {
        #expect(throws: StateError(.tooLarge, "")) {
            try file().encoded([UInt8](repeating: 0, count: BaselineFile.maximum + 1))
        }
    }

    @Test func `Another instance's and another key's are refused, and so are pieces in another order`() throws {
        let (instance, keys) = (InstanceID.random(), try StateKeys.random())
        let own = try file(instance, keys)
        let bytes = try own.encoded([UInt8](repeating: 7, count: 131_072))
        #expect(throws: StateError.self) { try file(nil, keys).decode(bytes) }
        #expect(throws: StateError.self) { try file(instance, nil).decode(bytes) }
        var swapped = bytes
        let (head, piece) = (bytes.count - 2 * (65_536 + SecretCipher.overhead), 65_536 + SecretCipher.overhead)
        swapped.replaceSubrange(head..., with: Array(bytes[(head + piece)...]) + Array(bytes[head..<head + piece]))
        #expect(throws: StateError.self) { try own.decode(swapped) }
    }

    @Test("Hostile bytes are refused", arguments: SeededGenerator.seeds(4))
    func fuzz(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let file = try file()
        let bytes = try file.encoded(Array(0..<200))
        for _ in 0..<200 {
            let hostile = generator.mutated(bytes)
            if hostile != bytes { #expect(throws: StateError.self) { try file.decode(hostile) } }
        }
    }
}
