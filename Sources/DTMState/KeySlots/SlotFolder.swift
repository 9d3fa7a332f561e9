import DTMCore
import DTMSecrets

/// The key slots of a state: `slots/ID.pgp`, and for an operator's key `slots/ID.key.pgp`.
struct SlotFolder: Sendable {
    let folder: StateFolder
    let instance: InstanceID
    let openPGP: any OpenPGPProvider

    /// The most slots.
    static let maximumSlots = 16
    private static let maximumFile = 1 << 18

    /// A slot that can't be used, and why, does not keep the others from being used.
    func slots() throws(StateError) -> (usable: [(file: SlotFile, slot: any KeySlot)], problems: [StateError]) {
        var usable: [(SlotFile, any KeySlot)] = []
        var problems: [StateError] = []
        for name in try folder.names() where name.hasSuffix(".pgp") && !name.hasSuffix(".key.pgp") {
            do throws(StateError) {
                let file = try SlotFile(try folder.read(name, atMost: Self.maximumFile), file: "slots/\(name)")
                guard file.instance == instance else {
                    throw StateError(
                        .foreign,
                        "slots/\(name) belongs to another instance (\(file.instance), this one is \(instance))",
                        hint: "remove it; somebody put it there")
                }
                guard name == "\(file.id).pgp" else {
                    throw .damaged(.malformed, "slots/\(name)", "it says that it is slot \(file.id)")
                }
                usable.append((file, try KeySlotKind.slot(file, name: "slots/\(name)")))
            } catch {
                problems.append(error)
            }
        }
        return (usable, problems)
    }

    func summaries() throws(StateError) -> [SlotSummary] {
        try slots().usable.map { file, slot in
            SlotSummary(
                id: file.id, kind: file.kind, label: file.label, createdAt: file.createdAt, detail: slot.summary,
                need: type(of: slot).need)
        }
    }

    /// - Throws: `locked` when none opens, `noSlot` when there is none, `foreign` when those that there are belong to
    ///   another instance.
    func open(with secret: UnlockSecret) throws(StateError) -> SharedSecret {
        let (usable, problems) = try slots()
        guard !usable.isEmpty else {
            throw problems.first
                ?? StateError(.noSlot, "there is no key slot", hint: "dtm state restore takes a backup")
        }
        for isSlow in [false, true] {
            for (_, slot) in usable where type(of: slot).isSlow == isSlow {
                if let root = try slot.open(with: secret) { return root }
            }
        }
        let foreign = problems.first { $0.code == .foreign }
        throw StateError(
            .locked, "none of the \(usable.count) key slots opens with what was given",
            hint: foreign.map { "\($0.message); " } ?? ""
                + "the slots and what opens them: dtm state status", cause: foreign)
    }

    /// Adds a slot. Its file appears whole or not at all.
    @discardableResult
    func add(_ new: NewSlot, root: SharedSecret, at now: Timestamp) throws(StateError) -> SlotID {
        guard try slots().usable.count < Self.maximumSlots else {
            throw StateError(.slotLimit, "there are \(Self.maximumSlots) key slots, which is the most")
        }
        let id = SlotID.random()
        switch new {
        case .passphrase(let secret, let hash, let label):
            try secret.checkForNewSlot()
            var file = SlotFile(
                instance: instance, id: id, kind: PassphraseSlot.kind, createdAt: now, label: label,
                parameters: PassphraseSlot.parameters(hash))
            guard let key = try Self.memory({ try hash.key(for: secret.secret.bytes) }) else {
                throw StateError(.passphrase, "the parameters of Argon2id are out of bounds")
            }
            file.wrap(root.bytes, under: key)
            try folder.write("\(id).pgp", file.encoded)
        case .operatorKey(let publicKey, let label):
            var file = SlotFile(
                instance: instance, id: id, kind: OperatorKeySlot.kind, createdAt: now, label: label,
                parameters: OperatorKeySlot.parameters(publicKey))
            let key = try Self.memory { try SecretBytes(randomCount: SecretCipher.keyBytes) }
            file.wrap(root.bytes, under: key)
            let text = SharedSecret(try Self.memory { try Self.hexadecimal(key) })
            let message: [UInt8]
            do {
                message = try openPGP.seal(secret: text, to: [publicKey])
            } catch {
                throw StateError(.recipient, "the operator's key can't be encrypted to", cause: error)
            }
            // The slot's own file comes last: without it the other means nothing.
            try folder.write("\(id).key.pgp", message)
            try folder.write("\(id).pgp", file.encoded)
        }
        return id
    }

    func remove(_ id: SlotID) throws(StateError) {
        let usable = try slots().usable
        guard usable.contains(where: { $0.file.id == id }) else {
            throw StateError(
                .noSlot, "there is no key slot \(id)",
                hint: "those that there are: \(usable.map { $0.file.id.description }.joined(separator: ", "))")
        }
        guard usable.count > 1 else {
            throw StateError(
                .slotLimit, "\(id) is the last key slot: without it nobody can open the state again",
                hint: "add another one first: dtm state slots add")
        }
        try folder.erase("\(id).pgp")
        try? folder.erase("\(id).key.pgp")
    }

    /// 64 digits and a line feed.
    private static func hexadecimal(_ key: borrowing SecretBytes) throws -> SecretBytes {
        let digits = Array("0123456789abcdef".utf8)
        return try SecretBytes(count: key.count * 2 + 1) { text in
            key.withBytes { span in
                span.withUnsafeBytes { key in
                    for (index, byte) in key.enumerated() {
                        text[index * 2] = digits[Int(byte >> 4)]
                        text[index * 2 + 1] = digits[Int(byte & 15)]
                    }
                }
            }
            text[text.count - 1] = UInt8(ascii: "\n")
        }
    }

    static func memory<Value: ~Copyable>(_ body: () throws -> Value) throws(StateError) -> Value {
        do {
            return try body()
        } catch {
            throw StateError(.memory, "no protected memory for a key", cause: error)
        }
    }
}
