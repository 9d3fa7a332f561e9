import Testing

@testable import DTMState

@Suite(.serialized) final class OpenPGPPublicKeyTests {
    let provider = RNPProvider()
    let gpg: GnuPG

    init() throws { gpg = try GnuPG() }

    @Test func `A binary and an armored key are read alike`() throws {
        let binary = try OpenPGPPublicKey(gpg.makeKey("Ada <ada@example.org>"), requireEncryption: true)
        let armor = try gpg.run(["--armor", "--export", "Ada"])
        #expect(try OpenPGPPublicKey(armor, requireEncryption: true) == binary)
        #expect(binary.userIDs == ["Ada <ada@example.org>"])
        let withText = Array("Here is my key:\n\n".utf8) + armor + Array("\nBye\n".utf8)
        #expect(try OpenPGPPublicKey(withText) == binary)
    }

    @Test func `Several keys are refused, armored, binary, and in blocks one after another`() throws {
        let first = try gpg.makeKey("first")
        let second = try gpg.makeKey("second")
        expectFailure(.keyUnusable) { try OpenPGPPublicKey(first + second) }
        expectFailure(.keyUnusable) { try OpenPGPPublicKey(gpg.run(["--armor", "--export"])) }
        let blocks = try ["first", "second"].flatMap { try gpg.run(["--armor", "--export", $0]) }
        expectFailure(.keyUnusable) { try OpenPGPPublicKey(blocks) }
    }

    @Test func `Secret key material is refused by name`() throws {
        _ = try gpg.makeKey("own")
        for options in [[], ["--armor"]] {
            let secret = try gpg.run(options + ["--export-secret-keys", "own"])
            let error = #expect(throws: OpenPGPError.self) { try OpenPGPPublicKey(secret) }
            #expect(error?.code == .keyUnusable && error?.message.contains("SECRET") == true)
        }
        // A subkey alone is enough.
        let subkeys = try gpg.run(["--export-secret-subkeys", "own"])
        #expect(throws: OpenPGPError.secretMaterial) { try OpenPGPPublicKey(subkeys) }
    }

    @Test func `An expired key is refused`() throws {
        let past = ["--faked-system-time", "20200101T000000"]
        try gpg.run(past + ["--quick-generate-key", "old", "future-default", "default", "1y"])
        let error = #expect(throws: OpenPGPError.self) { try OpenPGPPublicKey(gpg.run(["--export", "old"])) }
        #expect(error?.code == .keyUnusable && error?.message.contains("expired") == true)
    }

    @Test func `A revoked key is refused`() throws {
        let key = try OpenPGPPublicKey(gpg.makeKey("gone"))
        let fingerprint = key.fingerprint.description.uppercased()
        let certificate = try gpg.contents(of: "openpgp-revocs.d/\(fingerprint).rev")
        // gpg guards it against use by mistake.
        let text = String(decoding: certificate, as: UTF8.self).replacing(":-----BEGIN", with: "-----BEGIN")
        try gpg.run(["--import", "{r}"], files: ["r": Array(text.utf8)])
        let error = #expect(throws: OpenPGPError.self) { try OpenPGPPublicKey(gpg.run(["--export", "gone"])) }
        #expect(error?.code == .keyUnusable && error?.message.contains("revoked") == true)
    }

    @Test func `A key that can only sign is refused when it has to encrypt, and no message is sealed to it`() throws {
        let packets = try gpg.makeKey("signer", algorithm: "ed25519", usage: "sign")
        let key = try OpenPGPPublicKey(packets)
        expectFailure(.keyUnusable) { try OpenPGPPublicKey(packets, requireEncryption: true) }
        expectFailure(.keyUnusable) { try provider.seal(secret: secret([1]), to: [key]) }
    }

    @Test func `A subkey that has expired is not encrypted to`() throws {
        let past = ["--faked-system-time", "20200101T000000"]
        try gpg.run(past + ["--quick-generate-key", "half", "ed25519", "sign", "never"])
        let fingerprint = try OpenPGPPublicKey(gpg.run(["--export", "half"])).fingerprint.description
        try gpg.run(past + ["--quick-add-key", fingerprint, "cv25519", "encrypt", "1y"])
        let packets = try gpg.run(["--export", "half"])
        expectFailure(.keyUnusable) { try OpenPGPPublicKey(packets, requireEncryption: true) }
        expectFailure(.keyUnusable) { try provider.seal(secret: secret([1]), to: [OpenPGPPublicKey(packets)]) }
    }

    @Test func `What is no key is refused`() throws {
        let own = try provider.generateKeyPair(userID: "own")
        let message = try provider.seal([1], signedBy: own, to: [own.publicKey])
        for bytes in [[], Array("no key".utf8), message, [0xc6], Array(own.publicKey.bytes.dropLast())] {
            #expect(throws: OpenPGPError.self) { try OpenPGPPublicKey(bytes) }
        }
        expectFailure(.tooLarge) {
            try OpenPGPPublicKey([UInt8](repeating: 0x99, count: OpenPGPBounds.publicKey + 1))
        }
        let armored = Array("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!\n-----END PGP PUBLIC KEY BLOCK-----\n".utf8)
        #expect(throws: OpenPGPError.self) { try OpenPGPPublicKey(armored) }
    }

    @Test func `A key without its own signature is refused`() throws {
        let own = try provider.generateKeyPair(userID: "own")
        // The primary key's packet alone: a header of 2 bytes and its length.
        let bytes = own.publicKey.bytes
        let primary = Array(bytes.prefix(2 + Int(bytes[1])))
        expectFailure(.keyUnusable) { try OpenPGPPublicKey(primary) }
    }

    @Test func `A user ID that would steer a terminal is made harmless`() throws {
        // Nobody makes one, so it is planted: the signature over it no longer fits, and it is left out.
        let own = try provider.generateKeyPair(userID: "own")
        var bytes = own.publicKey.bytes
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: "own".utf8) })
        bytes[place] = 0x1b
        #expect(try OpenPGPPublicKey(bytes).userIDs == [])
        #expect(OpenPGPUserID.printable([0x1b, 0x5b, 0x41, 0xff, 0x0a, 0x42]) == "\u{fffd}[A\u{fffd}\u{fffd}B")
        #expect(OpenPGPUserID.printable("a\u{202e}b\u{200b}ü".utf8) == "a\u{fffd}b\u{fffd}ü")
    }

    @Test func `A secret key that is protected by a password, or is none, is no key pair`() throws {
        let own = try provider.generateKeyPair(userID: "own")
        expectFailure(.keyUnusable) { try OpenPGPKeyPair(secretKey: secret(own.publicKey.bytes)) }
        try gpg.run(["--passphrase-file", "{p}", "--quick-generate-key", "locked"], files: ["p": Array("x".utf8)])
        let locked = try gpg.run(
            ["--passphrase-file", "{p}", "--export-secret-keys", "locked"], files: ["p": Array("x".utf8)])
        expectFailure(.keyUnusable) { try OpenPGPKeyPair(secretKey: secret(locked)) }
    }
}
