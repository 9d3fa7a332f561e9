public import DTMCore
public import DTMSecrets

/// One way to the root key. Each kind is an implementation of this; the state knows none of them by name but through
/// ``KeySlotKind``.
protocol KeySlot: Sendable {
    /// As the file has it.
    static var kind: String { get }
    /// What it takes to open it, as people are told.
    static var need: String { get }
    init(_ file: SlotFile, name: String) throws(StateError)
    /// - Returns: The root key; nil when it is not opened by this.
    func open(with secret: UnlockSecret) throws(StateError) -> SharedSecret?
    /// How much work trying it is, in bytes of memory gone through.
    var cost: UInt64 { get }
    /// The SHA-256 of the file that lies beside the slot's own, `ID.key.pgp`; nil when there is none.
    var companion: [UInt8]? { get }
    /// What is shown of it besides its kind and label.
    var summary: String { get }
}

/// The kinds that there are.
enum KeySlotKind {
    static let all: [any KeySlot.Type] = [OperatorKeySlot.self, PassphraseSlot.self]

    static func slot(_ file: SlotFile, name: String) throws(StateError) -> any KeySlot {
        guard let kind = all.first(where: { $0.kind == file.kind }) else {
            throw StateError(
                .malformed, "\(name): a key slot of a kind that this program does not know",
                hint: "use the version of DTM that made it, or a newer one")
        }
        return try kind.init(file, name: name)
    }
}

/// What a new slot is to be.
public enum NewSlot: Sendable {
    case passphrase(UnlockSecret, hash: PassphraseHash, label: String)
    case operatorKey(OpenPGPPublicKey, label: String)

    /// With the standard work: three passes over 256 MiB.
    public static func passphrase(_ secret: UnlockSecret, label: String = "passphrase") -> Self {
        .passphrase(secret, hash: .standard(), label: label)
    }

    var kind: String {
        switch self {
        case .passphrase: PassphraseSlot.kind
        case .operatorKey: OperatorKeySlot.kind
        }
    }
}

/// A slot as people see it.
public struct SlotSummary: Hashable, Sendable {
    public var id: SlotID
    public var kind: String
    public var label: String
    public var createdAt: Timestamp
    /// As `argon2id, 3 passes, 256 MiB`.
    public var detail: String
    public var need: String
}

/// Opened by a passphrase, through Argon2id.
struct PassphraseSlot: KeySlot {
    static let kind = "passphrase"
    static let need = "its passphrase"
    let file: SlotFile
    let hash: PassphraseHash
    let companion: [UInt8]? = nil

    var cost: UInt64 { hash.passes * UInt64(hash.memoryBytes) }

    var summary: String { "argon2id, \(hash.passes) passes, \(hash.memoryBytes >> 20) MiB" }

    init(_ file: SlotFile, name: String) throws(StateError) {
        self.file = file
        var reader = ByteReader(file.parameters, file: name)
        hash = PassphraseHash(
            passes: try reader.integer(UInt64.self), memoryBytes: Int(clamping: try reader.integer(UInt64.self)),
            salt: try reader.field(atMost: PassphraseHash.saltBytes))
        try reader.end()
        guard hash.isAllowed else {
            throw .damaged(
                .malformed, name,
                "it asks for \(hash.passes) passes over \(hash.memoryBytes >> 20) MiB; allowed are "
                    + "\(PassphraseHash.allowedPasses.lowerBound) to \(PassphraseHash.allowedPasses.upperBound) over "
                    + "\(PassphraseHash.allowedMemory.lowerBound >> 20) to \(PassphraseHash.allowedMemory.upperBound >> 20) MiB"
            )
        }
    }

    static func parameters(_ hash: PassphraseHash) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(hash.passes)
        writer.append(UInt64(hash.memoryBytes))
        writer.appendField(hash.salt)
        return writer.bytes
    }

    func open(with secret: UnlockSecret) throws(StateError) -> SharedSecret? {
        do {
            guard let key = try hash.key(for: secret.secret.bytes), let root = try file.unwrap(under: key) else {
                return nil
            }
            return SharedSecret(root)
        } catch {
            throw StateError(
                .memory, "key slot \(file.id) could not be tried",
                hint: "it takes \(hash.memoryBytes >> 20) MiB of memory for a second", cause: error)
        }
    }
}

/// Opened by the operator's OpenPGP key, with gpg or a smartcard: beside the slot's file `ID.pgp` lies `ID.key.pgp`, an
/// OpenPGP message to that key. What `gpg --decrypt` makes of it, 64 hexadecimal digits, is what opens the slot.
struct OperatorKeySlot: KeySlot {
    static let kind = "openpgp"
    static let need = "what gpg --decrypt makes of its .key.pgp file"
    let file: SlotFile
    let fingerprint: [UInt8]
    let companion: [UInt8]?
    let publicKey: [UInt8]
    let cost: UInt64 = 0

    var summary: String { "OpenPGP key \(Hexadecimal.encode(fingerprint))" }

    init(_ file: SlotFile, name: String) throws(StateError) {
        self.file = file
        var reader = ByteReader(file.parameters, file: name)
        fingerprint = try reader.bytes(20)
        companion = try reader.bytes(Digest.byteCount)
        publicKey = try reader.field(atMost: 1 << 16)
        try reader.end()
    }

    /// - Parameter message: What `ID.key.pgp` holds.
    static func parameters(_ key: OpenPGPPublicKey, message: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(key.fingerprint.bytes)
        writer.append(Digest.of(message))
        writer.appendField(key.bytes)
        return writer.bytes
    }

    func open(with secret: UnlockSecret) throws(StateError) -> SharedSecret? {
        do {
            guard let key = try secret.hexadecimalKey(), let root = try file.unwrap(under: key) else { return nil }
            return SharedSecret(root)
        } catch {
            throw StateError(.memory, "no protected memory to open key slot \(file.id)", cause: error)
        }
    }
}
