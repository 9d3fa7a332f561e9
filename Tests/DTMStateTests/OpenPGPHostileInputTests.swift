import DTMTestSupport
import Testing

@testable import DTMState

/// What somebody else can do to a file, short of knowing a key: never does a wrong content come out.
@Suite struct OpenPGPHostileInputTests {
    let provider = RNPProvider()
    let own: OpenPGPKeyPair
    let content = Array("the content of a small message".utf8)
    let message: [UInt8]

    init() throws {
        own = try provider.generateKeyPair(userID: "own")
        message = try provider.seal(content, signedBy: own, to: [own.publicKey])
    }

    private func open(_ message: [UInt8]) throws -> [UInt8] {
        try provider.open(message, with: own, signer: own.publicKey)
    }

    /// Opens what was changed; returns whether it passed, and then the content has to be the one that was sealed.
    private func passes(_ changed: [UInt8], _ what: String) -> Bool {
        do {
            let opened = try open(changed)
            #expect(opened == content, "\(what): a wrong content")
            return true
        } catch let error as OpenPGPError {
            #expect(![.library, .memory].contains(error.code), "\(what): \(error)")
        } catch {
            Issue.record("\(what): \(error)")
        }
        return false
    }

    @Test func `A message that is cut off anywhere is refused as truncated`() {
        for length in message.indices {
            expectFailure(.truncated) { try open(Array(message[..<length])) }
        }
    }

    @Test func `A message with any one bit flipped is refused, or still holds the very same content`() {
        var passed: [String] = []
        for place in message.indices {
            for bit in 0..<8 {
                var changed = message
                changed[place] ^= 1 << bit
                if passes(changed, "byte \(place), bit \(bit)") { passed.append("\(place).\(bit)") }
            }
        }
        // Bits of the session key's packet that librnp does not look at; none of what is encrypted.
        #expect(passed.count <= 8, "\(passed)")
    }

    @Test
    func `A byte of the content, the signature or the integrity check that is changed is found as a modification`() {
        // The session key's packet comes first; from here on all is covered by the integrity check, which is found first.
        for place in message.indices.suffix(100) {
            var changed = message
            changed[place] ^= 0x55
            expectFailure(.modified) { try open(changed) }
        }
    }

    @Test func `Parts of two messages do not make a third`() throws {
        let other = try provider.seal(
            Array("another content of one more length".utf8), signedBy: own, to: [own.publicKey])
        for length in stride(from: 1, to: min(message.count, other.count), by: 7) {
            let mixed = Array(message[..<length] + other[length...])
            // They begin alike.
            if mixed != message, mixed != other { #expect(throws: OpenPGPError.self) { try open(mixed) } }
        }
    }

    @Test(arguments: SeededGenerator.seeds(60)) func `Mutated messages are refused or unchanged`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<10 { _ = passes(generator.mutated(message), "seed \(seed)") }
    }

    @Test(arguments: SeededGenerator.seeds(20)) func `Mutated keys are refused, or are the same key`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<10 {
            do {
                let key = try OpenPGPPublicKey(generator.mutated(own.publicKey.bytes))
                #expect(key.fingerprint == own.publicKey.fingerprint)
            } catch let error as OpenPGPError {
                #expect(![.library, .memory].contains(error.code), "seed \(seed): \(error)")
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }

    @Test(arguments: SeededGenerator.seeds(60)) func `Random packets are refused`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let tags: [UInt8] = [1, 2, 3, 4, 5, 6, 8, 9, 11, 13, 14, 18, 20]
            let body = (0..<Int.random(in: 0...120, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            bytes += [0xc0 | (tags.randomElement(using: &generator) ?? 1), UInt8(body.count)] + body
        }
        #expect(throws: OpenPGPError.self) { try open(bytes) }
        #expect(throws: OpenPGPError.self) { try OpenPGPPublicKey(bytes) }
    }

    @Test(arguments: SeededGenerator.seeds(4)) func `Mutated messages for a password are refused or unchanged`(
        seed: UInt64
    ) throws {
        let message = try provider.seal(content, password: password("x"))
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<4 {
            let opened = try? provider.open(generator.mutated(message), password: password("x"))
            #expect(opened == nil || opened == content, "seed \(seed)")
        }
    }
}
