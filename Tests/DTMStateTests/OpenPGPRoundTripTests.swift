import DTMSecrets
import DTMState
import Testing

@Suite struct OpenPGPRoundTripTests {
    let provider = RNPProvider()

    @Test(arguments: [0, 1, 100, 4_095, 8_192, 1 << 20])
    func `What is sealed and signed comes out again`(count: Int) throws {
        let own = try provider.generateKeyPair(userID: "dtm state")
        let content = bytes(count)
        let message = try provider.seal(content, signedBy: own, to: [own.publicKey])
        #expect(try provider.open(message, with: own, signer: own.publicKey) == content)
    }

    @Test func `Each recipient can open a message, whoever signed it`() throws {
        let signer = try provider.generateKeyPair(userID: "signer")
        let first = try provider.generateKeyPair(userID: "first")
        let second = try provider.generateKeyPair(userID: "second")
        let message = try provider.seal([1, 2, 3], signedBy: signer, to: [first.publicKey, second.publicKey])
        for recipient in [first, second] {
            #expect(try provider.open(message, with: recipient, signer: signer.publicKey) == [1, 2, 3])
        }
        expectFailure(.noMatchingKey) { try provider.open(message, with: signer, signer: signer.publicKey) }
    }

    @Test(arguments: [1, 32, 4_096, 100_000]) func `A secret comes out as a secret`(count: Int) throws {
        let own = try provider.generateKeyPair(userID: "slot")
        let content = bytes(count)
        let message = try provider.seal(secret: secret(content), to: [own.publicKey])
        #expect(copy(try provider.open(secretOf: message, with: own)) == content)
    }

    @Test(arguments: ["x", "correct horse battery staple", "ünïcödé 🔑", String(repeating: "p", count: 255)])
    func `A password opens what it sealed`(text: String) throws {
        let message = try provider.seal([9, 8, 7], password: password(text))
        #expect(try provider.open(message, password: password(text)) == [9, 8, 7])
    }

    @Test func `Two messages of the same content differ`() throws {
        let own = try provider.generateKeyPair(userID: "dtm state")
        let messages = try (0..<2).map { _ in try provider.seal([1], signedBy: own, to: [own.publicKey]) }
        #expect(messages[0] != messages[1])
    }

    @Test func `A key pair is read again from its secret key`() throws {
        let own = try provider.generateKeyPair(userID: "dtm state")
        let message = try provider.seal([1, 2, 3], signedBy: own, to: [own.publicKey])
        let again = try OpenPGPKeyPair(secretKey: secret(copy(own.secretKey)))
        #expect(again.publicKey == own.publicKey)
        #expect(try provider.open(message, with: again, signer: own.publicKey) == [1, 2, 3])
    }

    @Test func `A generated key can be read, names its user, and encrypts`() throws {
        let own = try provider.generateKeyPair(userID: "dtm state of büro")
        let read = try OpenPGPPublicKey(own.publicKey.bytes, requireEncryption: true)
        #expect(read == own.publicKey)
        #expect(read.userIDs == ["dtm state of büro"])
        #expect(OpenPGPFingerprint(hexadecimal: read.fingerprint.description) == read.fingerprint)
        #expect(read.fingerprint.bytes.count == 20)
    }
}
