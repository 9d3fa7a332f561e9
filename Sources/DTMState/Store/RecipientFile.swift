import DTMSecrets

/// The key that every generation is encrypted to, so that the next start can read it: `recipient.pgp`. Its secret half
/// is sealed under a key from the root key.
struct RecipientFile: Sendable {
    static let name = "recipient.pgp"
    private static let magic = Array("DTMRCPT1".utf8)
    private static let maximumFile = 1 << 17
    let instance: InstanceID
    private let publicKey: [UInt8]
    private let sealed: [UInt8]

    init(instance: InstanceID, _ pair: OpenPGPKeyPair, _ keys: StateKeys) {
        self.instance = instance
        publicKey = pair.publicKey.bytes
        sealed = SecretCipher.seal(
            pair.secretKey.bytes, under: keys.recipient.bytes, associated: Self.associated(instance, publicKey))
    }

    /// ASCII `dtm recipient v1` ‖ instance ‖ SHA-256 of the public key.
    private static func associated(_ instance: InstanceID, _ publicKey: [UInt8]) -> [UInt8] {
        Array("dtm recipient v1".utf8) + instance.bytes + Digest.of(publicKey)
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(instance.bytes)
        writer.appendField(publicKey)
        writer.appendField(sealed)
        return LiteralPacket.encode(writer.bytes)
    }

    /// - Throws: `missing`, `malformed`, `truncated`, `tooLarge`, `io`.
    init(in folder: StateFolder) throws(StateError) {
        let bytes = try folder.read(Self.name, atMost: Self.maximumFile)
        var reader = ByteReader(try LiteralPacket.decode(bytes, file: Self.name), file: Self.name)
        guard try reader.bytes(Self.magic.count) == Self.magic,
            let instance = InstanceID(try reader.bytes(InstanceID.byteCount))
        else { throw .damaged(.malformed, Self.name, "it is no recipient's key") }
        self.instance = instance
        publicKey = try reader.field(atMost: 1 << 16)
        sealed = try reader.field(atMost: 1 << 16)
        try reader.end()
    }

    /// - Throws: `modified`, `malformed`, `memory`.
    func pair(_ keys: StateKeys) throws(StateError) -> OpenPGPKeyPair {
        let secret = try SlotFolder.memory { () throws -> SharedSecret? in
            guard
                let opened = try SecretCipher.open(
                    sealed, under: keys.recipient.bytes, associated: Self.associated(instance, publicKey))
            else { return nil }
            return SharedSecret(opened)
        }
        guard let secret else {
            throw .damaged(.modified, Self.name, "it was changed, or is another instance's")
        }
        do {
            return OpenPGPKeyPair(publicKey: try OpenPGPPublicKey(publicKey), secretKey: secret)
        } catch {
            throw .damaged(.malformed, Self.name, "its public key can't be used", cause: error)
        }
    }
}
