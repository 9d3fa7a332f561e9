import DTMCore
import DTMSecrets

/// What makes one generation of the state the one in force: the head that names its file by content, the key that
/// signed it, and the commit before.
///
/// Its own authenticity is an HMAC under a key from the root key: who has no root key can't write one.
struct Commit: Hashable, Sendable {
    var instance: InstanceID
    /// From 1; each save is one more.
    var generation: UInt64
    /// SHA-256 of the commit before, as its file has it; zeros for the first.
    var previous: [UInt8]
    /// SHA-256 of the generation's file.
    var digest: [UInt8]
    /// The length of that file in bytes.
    var length: UInt64
    /// When it was written.
    var writtenAt: Timestamp
    /// The transferable public key of the process that signed the generation.
    var signer: [UInt8]

    private static let magic = Array("DTMHEAD1".utf8)
    private static let maximumSigner = 1 << 16

    func encoded(_ keys: StateKeys) -> [UInt8] {
        let body = body
        return LiteralPacket.encode(body + SecretCipher.authenticator(of: body, under: keys.commits.bytes))
    }

    private var body: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(instance.bytes)
        writer.append(generation)
        writer.append(previous)
        writer.append(digest)
        writer.append(length)
        writer.append(UInt64(bitPattern: writtenAt.nanoseconds))
        writer.appendField(signer)
        return writer.bytes
    }

    /// - Throws: `malformed`, `truncated`; `foreign` when it is another instance's; `modified` when it was not written
    ///   by who has the root key.
    init(_ bytes: [UInt8], _ keys: StateKeys, instance: InstanceID, file: String) throws(StateError) {
        let content = try LiteralPacket.decode(bytes, file: file)
        let shown = try Self(unverified: content, file: file)
        guard shown.instance == instance else {
            throw StateError(
                .foreign, "\(file) belongs to another instance (\(shown.instance), this one is \(instance))",
                hint: StateError.recover)
        }
        let authenticator = Array(content.suffix(Digest.byteCount))
        let expected = SecretCipher.authenticator(
            of: Array(content.dropLast(Digest.byteCount)), under: keys.commits.bytes)
        guard SecretCipher.areEqual(authenticator, expected) else {
            throw .damaged(.modified, file, "it was not written by this instance, or was changed since")
        }
        self = shown
    }

    /// What it says of itself, without a key.
    init(unverified content: [UInt8], file: String) throws(StateError) {
        var reader = ByteReader(content, file: file)
        guard try reader.bytes(Self.magic.count) == Self.magic,
            let instance = InstanceID(try reader.bytes(InstanceID.byteCount))
        else { throw .damaged(.malformed, file, "it is no commit") }
        self.instance = instance
        generation = try reader.integer(UInt64.self)
        previous = try reader.bytes(Digest.byteCount)
        digest = try reader.bytes(Digest.byteCount)
        length = try reader.integer(UInt64.self)
        writtenAt = Timestamp(nanoseconds: Int64(bitPattern: try reader.integer(UInt64.self)))
        signer = try reader.field(atMost: Self.maximumSigner)
        _ = try reader.bytes(Digest.byteCount)
        try reader.end()
    }

    init(
        instance: InstanceID, generation: UInt64, previous: [UInt8], digest: [UInt8], length: UInt64,
        writtenAt: Timestamp, signer: [UInt8]
    ) {
        self.instance = instance
        self.generation = generation
        self.previous = previous
        self.digest = digest
        self.length = length
        self.writtenAt = writtenAt
        self.signer = signer
    }
}
