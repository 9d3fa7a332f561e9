public import DTMCore
public import DTMSecrets

/// A state as it goes to a place of safety: an OpenPGP message to the operator's backup key, whose secret half is not
/// on this host.
///
/// Inside: `DTMBKUP1` ‖ instance (16) ‖ generation (8) ‖ time (8) ‖ key (32) ‖ length (4) ‖ the content sealed under
/// that key by XChaCha20-Poly1305, all before the key as associated bytes. The OpenPGP library thus sees ciphertext and
/// one key, which is of no use on this host a moment later.
public struct Backup: Sendable {
    public var instance: InstanceID
    public var generation: UInt64
    public var writtenAt: Timestamp
    public var content: StateContent

    private static let magic = Array("DTMBKUP1".utf8)
    /// The largest file, in bytes.
    static let maximumFile = 1 << 23

    public init(instance: InstanceID, generation: UInt64, writtenAt: Timestamp, content: StateContent) {
        self.instance = instance
        self.generation = generation
        self.writtenAt = writtenAt
        self.content = content
    }

    private var head: [UInt8] {
        Self.magic + instance.bytes + ByteWriter.bigEndian(generation)
            + ByteWriter.bigEndian(UInt64(bitPattern: writtenAt.nanoseconds))
    }

    func message(to key: OpenPGPPublicKey, _ openPGP: any OpenPGPProvider) throws(StateError) -> [UInt8] {
        let plain = try content.encoded()
        let head = head
        let secret = try SlotFolder.memory {
            let key = try SecretBytes(randomCount: SecretCipher.keyBytes)
            let inner = SecretCipher.seal(plain, under: key, associated: head)
            return SharedSecret(
                try SecretBytes(count: head.count + key.count + 4 + inner.count) { buffer in
                    var cursor = SecretCursor(buffer)
                    cursor.put(head)
                    cursor.put(key)
                    cursor.put(ByteWriter.bigEndian(UInt32(inner.count)))
                    cursor.put(inner)
                })
        }
        do {
            return try openPGP.seal(secret: secret, to: [key])
        } catch {
            throw StateError(.recipient, "the backup key can't be encrypted to", cause: error)
        }
    }

    /// Reads what `gpg --decrypt` makes of a backup.
    ///
    /// - Throws: `malformed`, `truncated`, `modified`, `memory`.
    public init(decrypted secret: borrowing SecretBytes, from source: String) throws(StateError) {
        do {
            self = try secret.withBytes { span in try span.withUnsafeBytes { try Self(reading: $0, source) } }
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError(.memory, "no protected memory for a backup", cause: error)
        }
    }

    private init(reading bytes: UnsafeRawBufferPointer, _ source: String) throws {
        var reader = SecretReader(bytes, source)
        guard bytes.count > Self.magic.count, try reader.bytes(Self.magic.count) == Self.magic,
            let instance = InstanceID(try reader.bytes(InstanceID.byteCount))
        else {
            throw StateError(
                .malformed, "\(source) is no backup of DTM that gpg has decrypted",
                hint: "gpg --decrypt FILE.pgp | dtm state restore --from -")
        }
        let generation = try reader.integer(UInt64.self)
        let writtenAt = Timestamp(nanoseconds: Int64(bitPattern: try reader.integer(UInt64.self)))
        let key = try reader.secret(SecretCipher.keyBytes)
        let inner = try reader.bytes(try reader.length(UInt32.self))
        guard reader.isAtEnd else { throw StateError(.malformed, "\(source): bytes follow the backup's end") }
        let shell = Self(instance: instance, generation: generation, writtenAt: writtenAt, content: StateContent())
        guard let plain = try SecretCipher.open(inner, under: key, associated: shell.head) else {
            throw StateError(.modified, "\(source): what it holds was changed", hint: "use another backup")
        }
        self = shell
        content = try StateContent(decoding: plain, file: source)
    }
}
