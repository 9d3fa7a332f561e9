import DTMSecrets
import DTMState
import Testing

/// Both ways with GnuPG, which knows nothing of us.
@Suite(.serialized) final class OpenPGPInteroperabilityTests {
    let provider = RNPProvider()
    let gpg: GnuPG
    let own: OpenPGPKeyPair

    init() throws {
        gpg = try GnuPG()
        own = try provider.generateKeyPair(userID: "dtm state")
    }

    /// Lets gpg know our public key.
    private func introduce(_ key: OpenPGPPublicKey) throws {
        try gpg.run(["--import", "{key}"], files: ["key": key.bytes])
    }

    private func encrypt(_ content: [UInt8], _ options: [String]) throws -> [UInt8] {
        try introduce(own.publicKey)
        return try gpg.run(
            ["--encrypt", "-r", own.publicKey.fingerprint.description] + options + ["--output", "-", "{content}"],
            files: ["content": content])
    }

    // MARK: What we write

    @Test func `gpg sees session keys, one protected packet, one signature and plain data in our messages`() throws {
        let reader = try OpenPGPPublicKey(gpg.makeKey("reader"))
        let message = try provider.seal(bytes(3_000), signedBy: own, to: [own.publicKey, reader])
        let list = try gpg.listPackets(message)
        let kinds = list.split(separator: "\n").filter { $0.hasPrefix(":") }
            .map { $0.dropFirst().prefix { $0 != ":" } }
        #expect(
            kinds == [
                "pubkey enc packet", "pubkey enc packet", "encrypted data packet", "onepass_sig packet",
                "literal data packet", "signature packet",
            ], "\(list)")
        #expect(list.contains("mdc_method: 2"))
        #expect(list.contains("mode b (62), created 0, name=\"\""))
        // SHA-512 and EdDSA (RFC 4880, 9.4; RFC 9580, 9.1).
        #expect(list.contains("digest algo 10") && list.contains("algo 22"))
    }

    @Test(arguments: ["future-default", "rsa2048", "nistp256"])
    func `gpg decrypts what we sealed to a key of its own, and knows our signature`(algorithm: String) throws {
        let fingerprint = try makeEncryptionKey("reader", algorithm)
        let reader = try OpenPGPPublicKey(gpg.run(["--export", fingerprint]), requireEncryption: true)
        let content = bytes(10_000)
        let message = try provider.seal(content, signedBy: own, to: [reader])
        try introduce(own.publicKey)
        #expect(try gpg.run(["--decrypt", "{m}"], files: ["m": message]) == content)
        let status = try gpg.run(
            ["--status-fd", "1", "--output", "/dev/null", "--decrypt", "{m}"], files: ["m": message])
        let text = String(decoding: status, as: UTF8.self)
        let fingerprintOfOurs = own.publicKey.fingerprint.description.uppercased()
        #expect(text.contains("VALIDSIG \(fingerprintOfOurs)"), "\(text)")
        #expect(text.contains("GOODMDC"), "\(text)")
    }

    /// A primary key with a subkey to encrypt; returns the fingerprint.
    private func makeEncryptionKey(_ name: String, _ algorithm: String) throws -> String {
        let key = try OpenPGPPublicKey(
            gpg.makeKey(name, algorithm: algorithm, usage: algorithm == "future-default" ? "default" : "sign"))
        let fingerprint = key.fingerprint.description
        if algorithm != "future-default" { try gpg.run(["--quick-add-key", fingerprint, algorithm, "encrypt"]) }
        return fingerprint
    }

    @Test func `gpg unwraps a secret that we sealed`() throws {
        let reader = try OpenPGPPublicKey(gpg.makeKey("reader"), requireEncryption: true)
        let message = try provider.seal(secret: secret(bytes(32)), to: [reader])
        #expect(try gpg.run(["--decrypt", "{m}"], files: ["m": message]) == bytes(32))
    }

    @Test func `gpg opens what we sealed with a password, and the other way round`() throws {
        let text = "a pässword"
        let files = ["password": Array(text.utf8)]
        let message = try provider.seal(bytes(5_000), password: password(text))
        let options = ["--passphrase-file", "{password}"]
        #expect(
            try gpg.run(options + ["--decrypt", "{m}"], files: files.merging(["m": message]) { $1 }) == bytes(5_000))
        let theirs = try gpg.run(
            options + ["--symmetric", "--cipher-algo", "AES256", "--output", "-", "{c}"],
            files: files.merging(["c": bytes(5_000)]) { $1 })
        #expect(try provider.open(theirs, password: password(text)) == bytes(5_000))
        let list = String(
            decoding: try gpg.run(
                options + ["--list-packets", "{m}"],
                files: files.merging(["m": provider.seal([1], password: password(text))]) { $1 }), as: UTF8.self)
        // The most that the format can say.
        #expect(list.contains("s2k 3") && list.contains("count 65011712 (255)"), "\(list)")
    }

    @Test func `gpg reads a key that we made: it does not expire, signs, certifies and encrypts`() throws {
        try introduce(own.publicKey)
        let list = String(decoding: try gpg.run(["--with-colons", "--list-keys"]), as: UTF8.self)
        let lines = list.split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
        let primary = try #require(lines.first { $0[0] == "pub" })
        let sub = try #require(lines.first { $0[0] == "sub" })
        // doc/DETAILS of gnupg: algorithm, expiration, capabilities, curve.
        #expect(primary[3] == "22" && primary[6] == "" && primary[11] == "scESC" && primary[16] == "ed25519")
        #expect(sub[3] == "18" && sub[6] == "" && sub[11] == "e" && sub[16] == "cv25519")
    }

    @Test func `gpg reads our secret key`() throws {
        try gpg.run(["--import", "{key}"], files: ["key": copy(own.secretKey)])
        let message = try provider.seal(bytes(100), signedBy: own, to: [own.publicKey])
        #expect(try gpg.run(["--decrypt", "{m}"], files: ["m": message]) == bytes(100))
    }

    // MARK: What we read

    @Test(arguments: ["future-default", "rsa2048", "nistp256"])
    func `A message that gpg signed with the pinned key is opened, compressed or not`(algorithm: String) throws {
        let signer = try OpenPGPPublicKey(gpg.makeKey("signer", algorithm: algorithm))
        for compression in ["none", "zlib", "bzip2"] {
            let message = try encrypt(
                bytes(10_000), ["--sign", "-u", "signer", "--compress-algo", compression])
            #expect(try provider.open(message, with: own, signer: signer) == bytes(10_000))
        }
    }

    @Test func `A signature by a subkey counts for the primary key that is pinned`() throws {
        let primary = try OpenPGPPublicKey(gpg.makeKey("signer")).fingerprint.description
        try gpg.run(["--quick-add-key", primary, "ed25519", "sign"])
        let signer = try OpenPGPPublicKey(gpg.run(["--export", primary]))
        let message = try encrypt([1, 2, 3], ["--sign", "-u", "signer"])
        #expect(try provider.open(message, with: own, signer: signer) == [1, 2, 3])
    }

    @Test func `A message that gpg signed with another key is refused`() throws {
        _ = try gpg.makeKey("other")
        let message = try encrypt([1, 2, 3], ["--sign", "-u", "other"])
        expectFailure(.foreignSigner) { try provider.open(message, with: own, signer: own.publicKey) }
    }

    @Test func `A message that gpg did not sign is refused`() throws {
        let message = try encrypt([1, 2, 3], [])
        expectFailure(.unsigned) { try provider.open(message, with: own, signer: own.publicKey) }
        #expect(copy(try provider.open(secretOf: message, with: own)) == [1, 2, 3])
    }

    @Test(arguments: [["first", "second"], ["second", "first"]])
    func `A message with two signatures is refused, even when one is the pinned key's`(signers: [String]) throws {
        let first = try OpenPGPPublicKey(gpg.makeKey("first"))
        _ = try gpg.makeKey("second")
        let message = try encrypt([1, 2, 3], ["--sign"] + signers.flatMap { ["-u", $0] })
        expectFailure(.tooManySignatures) { try provider.open(message, with: own, signer: first) }
        expectFailure(.tooManySignatures) { try provider.open(message, with: own, signer: own.publicKey) }
    }

    @Test func `A signature over text, which other line ends would fit as well, is refused`() throws {
        let signer = try OpenPGPPublicKey(gpg.makeKey("signer"))
        let message = try encrypt(Array("a\nb\n".utf8), ["--textmode", "--sign", "-u", "signer"])
        expectFailure(.signatureInvalid) { try provider.open(message, with: own, signer: signer) }
    }

    @Test(arguments: ["SHA1", "RIPEMD160", "SHA224"]) func `A signature over a weak hash is refused`(hash: String)
        throws
    {
        let signer = try OpenPGPPublicKey(gpg.makeKey("signer"))
        let message = try encrypt([1, 2, 3], ["--sign", "-u", "signer", "--digest-algo", hash])
        expectFailure(.signatureInvalid) { try provider.open(message, with: own, signer: signer) }
    }

    /// The compressed packet that says of itself that it is not (RFC 4880, 5.6), around packets.
    private func wrapped(_ packets: [UInt8]) -> [UInt8] {
        let count = packets.count + 1
        return [0xc8, 0xff] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + [0] + packets
    }

    @Test func `Packets in packets in packets are opened or refused; they do not use up the stack`() throws {
        let content = bytes(100_000)
        let literal: [UInt8] = [0xcb, 0xff, 0, 1, 0x86, 0xa6, UInt8(ascii: "b"), 0, 0, 0, 0, 0] + content
        for depth in [1, 10, 30, 60] {
            let packets = (0..<depth).reduce(literal) { packets, _ in wrapped(packets) }
            let message = try encrypt(packets, ["--no-literal", "--compress-algo", "none"])
            if depth < 31 {
                #expect(copy(try provider.open(secretOf: message, with: own)) == content)
            } else {
                expectFailure(.modified) { try provider.open(secretOf: message, with: own) }
            }
        }
    }

    @Test func `A signature that has expired is refused`() throws {
        try gpg.run([
            "--faked-system-time", "20200101T000000", "--quick-generate-key", "signer", "future-default", "default",
            "never",
        ])
        let signer = try OpenPGPPublicKey(gpg.run(["--export", "signer"]))
        try introduce(own.publicKey)
        let lasting = [
            "--sign", "-u", "signer", "--faked-system-time", "20200102T000000", "--ignore-time-conflict",
            "--ignore-valid-from",
        ]
        let message = try encrypt([1], lasting)
        #expect(try provider.open(message, with: own, signer: signer) == [1])
        let expired = try encrypt([1], lasting + ["--default-sig-expire", "1d"])
        expectFailure(.signatureInvalid) { try provider.open(expired, with: own, signer: signer) }
    }

    @Test(arguments: ["zlib", "bzip2"])
    func `A small message that would become a large content is refused`(compression: String) throws {
        let signer = try OpenPGPPublicKey(gpg.makeKey("signer"))
        let message = try encrypt(
            [UInt8](repeating: 0, count: OpenPGPBounds.message + 1),
            ["--sign", "-u", "signer", "--compress-algo", compression])
        #expect(message.count < 1 << 20)
        expectFailure(.tooLarge) { try provider.open(message, with: own, signer: signer) }
    }
}
