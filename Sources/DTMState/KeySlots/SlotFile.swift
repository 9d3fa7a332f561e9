import DTMCore
import DTMSecrets

/// Names one slot: 8 hexadecimal digits.
public struct SlotID: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init?(_ text: String) {
        guard text.utf8.count == 8, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        description = text
    }

    static func random() -> Self {
        let bytes = (0..<4).map { _ in UInt8.random(in: 0 ... .max) }
        return Self(unchecked: Hexadecimal.encode(bytes))
    }

    private init(unchecked text: String) { description = text }
}

/// A key slot as its file has it: how to get at a key, and the root key sealed under that.
struct SlotFile: Hashable, Sendable {
    var instance: InstanceID
    var id: SlotID
    /// Which implementation reads it, as `passphrase`.
    var kind: String
    var createdAt: Timestamp
    /// For people. What is read may hold anything: ``shownLabel`` is for showing.
    var label: String
    /// What the kind makes of it. Not secret.
    var parameters: [UInt8]
    /// The root key, by XChaCha20-Poly1305 under the slot's key, all that stands before as associated bytes.
    var wrapped: [UInt8] = []
    /// HMAC-SHA256 of all before it, under a key from the root key: it tells a slot that was changed, or that somebody
    /// made who can write here, from one that opens. Whoever has no root key yet can't check it.
    private var authenticator: [UInt8] = Digest.none

    private static let magic = Array("DTMSLOT1".utf8)
    static let maximumLabel = 64
    private static let maximumParameters = 1 << 16

    private var header: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(instance.bytes)
        writer.appendField(Array(id.description.utf8))
        writer.appendField(Array(kind.utf8))
        writer.append(UInt64(bitPattern: createdAt.nanoseconds))
        writer.appendField(Array(label.utf8))
        writer.appendField(parameters)
        return writer.bytes
    }

    mutating func wrap(_ keys: StateKeys, under key: borrowing SecretBytes) {
        wrapped = SecretCipher.seal(keys.root.bytes, under: key, associated: header)
        authenticator = SecretCipher.authenticator(of: body, under: keys.slots.bytes)
    }

    /// Whether who has the root key wrote it.
    func isGenuine(_ keys: StateKeys) -> Bool {
        SecretCipher.areEqual(authenticator, SecretCipher.authenticator(of: body, under: keys.slots.bytes))
    }

    /// Nil when the key is not the one.
    func unwrap(under key: borrowing SecretBytes) throws -> SecretBytes? {
        try SecretCipher.open(wrapped, under: key, associated: header)
    }

    private var body: [UInt8] {
        var writer = ByteWriter()
        writer.append(header)
        writer.appendField(wrapped)
        return writer.bytes
    }

    var encoded: [UInt8] { LiteralPacket.encode(body + authenticator) }

    init(_ bytes: [UInt8], file: String) throws(StateError) {
        var reader = ByteReader(try LiteralPacket.decode(bytes, file: file), file: file)
        guard try reader.bytes(Self.magic.count) == Self.magic,
            let instance = InstanceID(try reader.bytes(InstanceID.byteCount)),
            let id = SlotID(String(decoding: try reader.field(atMost: 8), as: UTF8.self))
        else { throw .damaged(.malformed, file, "it is no key slot") }
        self.instance = instance
        self.id = id
        kind = String(decoding: try reader.field(atMost: 32), as: UTF8.self)
        createdAt = Timestamp(nanoseconds: Int64(bitPattern: try reader.integer(UInt64.self)))
        label = String(decoding: try reader.field(atMost: Self.maximumLabel * 4), as: UTF8.self)
        parameters = try reader.field(atMost: Self.maximumParameters)
        wrapped = try reader.field(atMost: SecretCipher.keyBytes + SecretCipher.overhead)
        authenticator = try reader.bytes(Digest.byteCount)
        try reader.end()
        guard wrapped.count == SecretCipher.keyBytes + SecretCipher.overhead else {
            throw .damaged(.malformed, file, "it holds no sealed key")
        }
        // One spelling for each slot: texts that are not UTF-8 would be read as others.
        guard encoded == bytes else { throw .damaged(.malformed, file, "it is not written as DTM writes it") }
    }

    init(instance: InstanceID, id: SlotID, kind: String, createdAt: Timestamp, label: String, parameters: [UInt8]) {
        self.instance = instance
        self.id = id
        self.kind = kind
        self.createdAt = createdAt
        self.label = String(OpenPGPUserID.printable(label.utf8).unicodeScalars.prefix(Self.maximumLabel))
        self.parameters = parameters
    }

    var shownLabel: String { OpenPGPUserID.printable(label.utf8) }
}
