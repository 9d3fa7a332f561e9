import DTMSecrets
import Testing

@testable import DTMState

@Suite struct OpenPGPErrorTests {
    let provider = RNPProvider()
    let own: OpenPGPKeyPair
    let other: OpenPGPKeyPair

    init() throws {
        own = try provider.generateKeyPair(userID: "own")
        other = try provider.generateKeyPair(userID: "other")
    }

    private func open(_ message: [UInt8]) throws -> [UInt8] {
        try provider.open(message, with: own, signer: own.publicKey)
    }

    // MARK: Signatures

    @Test func `A message without a signature is refused`() throws {
        let message = try provider.seal(secret: secret([1, 2, 3]), to: [own.publicKey])
        expectFailure(.unsigned) { try open(message) }
    }

    @Test func `A message that an unknown key signed is refused`() throws {
        let message = try provider.seal([1], signedBy: other, to: [own.publicKey])
        expectFailure(.foreignSigner) { try open(message) }
    }

    @Test func `A message that the recipient signed is refused when another signer is pinned`() throws {
        let message = try provider.seal([1], signedBy: own, to: [own.publicKey])
        expectFailure(.foreignSigner) { try provider.open(message, with: own, signer: other.publicKey) }
    }

    // MARK: Keys

    @Test func `A message for another key is refused`() throws {
        let message = try provider.seal([1], signedBy: own, to: [other.publicKey])
        expectFailure(.noMatchingKey) { try open(message) }
        expectFailure(.noMatchingKey) { try provider.open(secretOf: message, with: own) }
    }

    @Test func `A message for a password is no message for a key, and the other way round`() throws {
        let byPassword = try provider.seal([1], password: password("x"))
        expectFailure(.noMatchingKey) { try open(byPassword) }
        let byKey = try provider.seal([1], signedBy: own, to: [own.publicKey])
        expectFailure(.noMatchingKey) { try provider.open(byKey, password: password("x")) }
    }

    @Test func `Sealing to nobody, or to very many, is refused`() {
        expectFailure(.keyUnusable) { try provider.seal([1], signedBy: own, to: []) }
        expectFailure(.keyUnusable) {
            try provider.seal(secret: secret([1]), to: Array(repeating: own.publicKey, count: 65))
        }
    }

    @Test(arguments: ["", "a\nb", "\u{1b}[2J", "\u{202e}evil", String(repeating: "x", count: 129)])
    func `A user ID that is empty, long or not printable is refused`(userID: String) {
        expectFailure(.keyUnusable) { try provider.generateKeyPair(userID: userID) }
    }

    // MARK: Passwords

    @Test func `A wrong password is refused`() throws {
        let message = try provider.seal([1], password: password("right"))
        expectFailure(.wrongPassword) { try provider.open(message, password: password("wrong")) }
        expectFailure(.wrongPassword) { try provider.open(message, password: password("right ")) }
    }

    @Test func `An empty password, one with a zero byte and one that is too long are refused both ways`() throws {
        let message = try provider.seal([1], password: password("right"))
        for (bytes, code) in [
            ([0], .emptyPassword), ([0, 65], .emptyPassword), ([65, 0], .emptyPassword),
            (Array(repeating: 65, count: 256), .tooLarge),
        ] as [([UInt8], OpenPGPError.Code)] {
            expectFailure(code) { try provider.seal([1], password: secret(bytes)) }
            expectFailure(code) { try provider.open(message, password: secret(bytes)) }
        }
    }

    // MARK: Messages

    @Test func `What is no message is refused`() {
        expectFailure(.truncated) { try open([]) }
        expectFailure(.malformed) { try open(Array("hello, this is text".utf8)) }
        expectFailure(.malformed) { try open(Array("-----BEGIN PGP MESSAGE-----\n\n".utf8)) }
        expectFailure(.malformed) { try open(own.publicKey.bytes) }
        // A literal, a compressed packet, a signature.
        for tag: UInt8 in [0xcb, 0xc8, 0xc2, 0xc4] { expectFailure(.notEncrypted) { try open([tag, 1, 0]) } }
        // Encrypted without integrity protection, or in the newer form.
        for tag: UInt8 in [0xc9, 0xd4] { expectFailure(.malformed) { try open([tag, 1, 0]) } }
    }

    @Test func `Something after the message is refused`() throws {
        let message = try provider.seal([1], signedBy: own, to: [own.publicKey])
        expectFailure(.malformed) { try open(message + message) }
        expectFailure(.malformed) { try open(message + [0]) }
        expectFailure(.truncated) { try open(message + [0xd2]) }
    }

    @Test func `A message that is too large, for too many or with too many passwords is refused unread`() {
        expectFailure(.tooLarge) { try open([UInt8](repeating: 0xc1, count: OpenPGPBounds.message + 1)) }
        expectFailure(.tooLarge) {
            try provider.seal(
                [UInt8](repeating: 1, count: OpenPGPBounds.content + 1), signedBy: own, to: [own.publicKey])
        }
        let recipient: [UInt8] = [0xc1, 12] + bytes(12)
        expectFailure(.malformed) { try open(Array(repeatElement(recipient, count: 65).joined())) }
        let password: [UInt8] = [0xc3, 4] + bytes(4)
        expectFailure(.malformed) { try open(Array(repeatElement(password, count: 5).joined())) }
    }

    @Test func `A secret that does not fit into protected memory is refused`() throws {
        let message = try provider.seal(bytes(SecretBytes.maximumCount + 1), signedBy: own, to: [own.publicKey])
        expectFailure(.tooLarge) { try provider.open(secretOf: message, with: own) }
        let empty = try provider.seal([], signedBy: own, to: [own.publicKey])
        expectFailure(.tooLarge) { try provider.open(secretOf: empty, with: own) }
    }

    @Test func `Every code has a name of its own`() {
        let names = OpenPGPError.Code.allCases.map { OpenPGPError($0, "", hint: nil).codeName }
        #expect(Set(names).count == 15 && names.allSatisfy { $0.hasPrefix("openpgp.") })
        #expect(OpenPGPError.unsigned != .modified && OpenPGPError.unsigned == .unsigned)
    }

    // MARK: Time

    private func provider(at seconds: UInt64) -> RNPProvider { RNPProvider(clock: OpenPGPClock { seconds }) }

    @Test func `A clock that was set back neither locks the state nor stops it from being written`() throws {
        let late = try provider(at: 2_000_000_000).generateKeyPair(userID: "late")
        let message = try provider(at: 2_100_000_000).seal([1, 2], signedBy: late, to: [late.publicKey])
        #expect(try provider(at: 1_000_000_000).open(message, with: late, signer: late.publicKey) == [1, 2])
        let early = try provider(at: 1_000_000_000).seal([3], signedBy: late, to: [late.publicKey])
        #expect(try provider(at: 2_000_000_000).open(early, with: late, signer: late.publicKey) == [3])
    }

    @Test func `Keys do not expire`() throws {
        let message = try provider.seal([1, 2], signedBy: own, to: [own.publicKey])
        let far = provider(at: 4_000_000_000)
        #expect(try far.open(message, with: own, signer: own.publicKey) == [1, 2])
        let later = try far.seal([1, 2], signedBy: own, to: [own.publicKey])
        #expect(try far.open(later, with: own, signer: own.publicKey) == [1, 2])
    }
}
