import DTMTestSupport
import Testing

@testable import DTMCore

/// Whatever the bytes, the parser answers; what it accepts, it writes and reads back.
@Suite struct JSONFuzzTests {
    private func read(_ bytes: [UInt8]) -> Result<JSONNode, JSONFailure> {
        bytes.withUnsafeBytes { bytes in
            Result { () throws(JSONFailure) in try JSONParser.parse(bytes, hiding: ["openai_api_key"]) }
        }
    }

    private static let seedText = Array(
        #"""
        {"rotation": {"intervalSeconds": 0.25, "portRange": [5000, 6000]}, "openai_api_key": "sk-\u0041",
         "tunnels": [{"name": "é😀\ud83d\ude00", "target": "unix:/a\\b", "allow": [true, null, -1e-5]}]}
        """#.utf8)

    @Test("Random bytes are answered", arguments: 0..<20) func randomBytes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in SeededGenerator.rounds(200) {
            let length = Int.random(in: 0...200, using: &generator)
            _ = read((0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
    }

    @Test("Random JSON characters are answered", arguments: 0..<20) func randomTokens(seed: UInt64) {
        let tokens = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "u", "d8", "0", "1", "-", ".", "e", "true", "null", " ", "\n",
        ]
        var generator = SeededGenerator(seed: seed)
        for _ in SeededGenerator.rounds(200) {
            let text = (0..<Int.random(in: 0...60, using: &generator)).compactMap { _ in
                tokens.randomElement(using: &generator)
            }
            _ = read(Array(text.joined().utf8))
        }
    }

    @Test("A mutated file is answered, and a failure lies within it", arguments: 0..<20) func mutations(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in SeededGenerator.rounds(200) {
            var bytes = Self.seedText
            for _ in 0..<Int.random(in: 1...4, using: &generator) { mutate(&bytes, &generator) }
            guard case .failure(let failure) = read(bytes) else { continue }
            let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
            let isWithin = (1...lines.count).contains(failure.position.line)
            #expect(isWithin)
            guard isWithin else { continue }
            #expect((1...lines[failure.position.line - 1].count + 1).contains(failure.position.column))
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        guard let index = bytes.indices.randomElement(using: &generator) else { return }
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes.remove(at: index)
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
        default: bytes.removeSubrange(index...)
        }
    }

    @Test("What is written is read back the same", arguments: 0..<20) func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in SeededGenerator.rounds(50) {
            let node = randomNode(depth: 4, &generator)
            #expect(try read(Array(JSONWriter.pretty(node).utf8)).get().withoutPositions == node)
            #expect(try read(Array(JSONWriter.compact(node).utf8)).get().withoutPositions == node)
        }
    }

    private func randomNode(depth: Int, _ generator: inout SeededGenerator) -> JSONNode {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &generator) {
        case 0: JSONNode(.null)
        case 1: .boolean(generator.chance(0.5))
        case 2: .number(Int.random(in: .min ... .max, using: &generator))
        case 3: .number(Double.random(in: -1e9...1e9, using: &generator))
        case 4: .string(randomText(&generator))
        case 5:
            .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in randomNode(depth: depth - 1, &generator) })
        default:
            .object(
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                    (randomText(&generator), randomNode(depth: depth - 1, &generator))
                })
        }
    }

    private func randomText(_ generator: inout SeededGenerator) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...8, using: &generator) {
            let bound: UInt32 = generator.chance(0.6) ? 0x7f : 0x10ffff
            if let scalar = Unicode.Scalar(UInt32.random(in: 0...bound, using: &generator)) { text.append(scalar) }
        }
        return String(text)
    }
}
