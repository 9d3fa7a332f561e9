import DTMCore
import DTMSecrets

/// The key slots of a state: `slots/ID.pgp`, and for an operator's key `slots/ID.key.pgp`.
struct SlotFolder: Sendable {
    let folder: StateFolder
    let instance: InstanceID
    let openPGP: any OpenPGPProvider

    /// The most slots.
    static let maximumSlots = 16
    /// How many files are looked at, the oldest: those that are not DTM's came later.
    private static let maximumFiles = 1_024
    /// How many problems are told.
    private static let maximumProblems = 64
    /// How long passphrase slots are tried; the one that is under way then is tried to its end.
    private static let patience = Duration.seconds(60)
    private static let maximumFile = 1 << 18

    /// The slots that there are, the oldest file first.
    struct Found: Sendable {
        var usable: [(file: SlotFile, slot: any KeySlot)] = []
        var problems: [StateError] = []

        /// In the order in which they are tried: what costs nothing, then the oldest file. So a slot that somebody put
        /// there to take long does not come before those that were there.
        var inOrder: [any KeySlot] {
            usable.map(\.slot).filter { $0.cost == 0 } + usable.map(\.slot).filter { $0.cost > 0 }
        }
    }

    private static func name(_ id: SlotID) -> String { "\(id).pgp" }
    private static func companionName(_ id: SlotID) -> String { "\(id).key.pgp" }

    // MARK: Looking

    /// A slot that can't be used, and why, does not keep the others from being used.
    ///
    /// - Parameter keys: With them it is also told which slots were not written by who has the root key; those are not
    ///   usable then.
    func slots(checkedWith keys: StateKeys? = nil) throws(StateError) -> Found {
        var found = Found()
        let names = try folder.names().filter { $0.hasSuffix(".pgp") && !$0.hasSuffix(".key.pgp") }
            .map { (name: $0, changed: folder.changedAt($0)) }.sorted { ($0.changed, $0.name) < ($1.changed, $1.name) }
        for (name, _) in names.prefix(Self.maximumFiles) {
            do throws(StateError) {
                found.usable.append(try slot(name, keys))
            } catch {
                if found.problems.count < Self.maximumProblems { found.problems.append(error) }
            }
        }
        if names.count > Self.maximumSlots {
            let newest = names.dropFirst(Self.maximumSlots).prefix(3).map { "slots/\($0.name)" }.joined(separator: ", ")
            found.problems.append(
                StateError(
                    .slotLimit,
                    "there are \(names.count) key slots, and DTM makes \(Self.maximumSlots) at most; the newest begin with "
                        + newest, hint: "remove those that nobody here made: dtm state slots remove"))
        }
        return found
    }

    private func slot(_ name: String, _ keys: StateKeys?) throws(StateError) -> (file: SlotFile, slot: any KeySlot) {
        let shown = "slots/\(name)"
        let file = try SlotFile(try folder.read(name, atMost: Self.maximumFile), file: shown)
        guard file.instance == instance else {
            throw StateError(
                .foreign, "\(shown) belongs to another instance (\(file.instance), this one is \(instance))",
                hint: "remove it; somebody put it there")
        }
        guard name == Self.name(file.id) else {
            throw .damaged(.malformed, shown, "it says that it is slot \(file.id)")
        }
        let slot = try KeySlotKind.slot(file, name: shown)
        if let keys {
            guard file.isGenuine(keys) else {
                throw .damaged(.modified, shown, "it was not written by this instance, or was changed since")
            }
            try checkCompanion(of: file.id, slot)
        }
        return (file, slot)
    }

    private func checkCompanion(of id: SlotID, _ slot: any KeySlot) throws(StateError) {
        guard let expected = slot.companion else { return }
        let name = Self.companionName(id)
        guard Digest.of(try folder.read(name, atMost: Self.maximumFile)) == expected else {
            throw .damaged(.modified, "slots/\(name)", "it is not what was written with its slot")
        }
    }

    func summaries() throws(StateError) -> [SlotSummary] {
        try slots().usable.map { file, slot in
            SlotSummary(
                id: file.id, kind: file.kind, label: file.shownLabel, createdAt: file.createdAt, detail: slot.summary,
                need: type(of: slot).need)
        }
    }

    /// - Throws: `locked` when none opens, `noSlot` when there is none, `foreign` when those that there are belong to
    ///   another instance, `memory` when none opens and one could not be tried.
    func open(with secret: UnlockSecret) throws(StateError) -> SharedSecret {
        let found = try slots()
        guard !found.usable.isEmpty else {
            throw found.problems.first
                ?? StateError(.noSlot, "there is no key slot", hint: "dtm state restore takes a backup")
        }
        var failure: StateError?
        var tried = 0
        let begin = ContinuousClock.now
        for slot in found.inOrder {
            guard slot.cost == 0 || begin.duration(to: .now) < Self.patience else { break }
            tried += 1
            do throws(StateError) {
                if let root = try slot.open(with: secret) { return root }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        let cause = found.problems.first { [.foreign, .slotLimit].contains($0.code) }
        let untried = found.usable.count - tried
        throw StateError(
            .locked,
            "none of the \(tried) key slots"
                + (untried > 0 ? " that were tried" : "") + " opens with what was given",
            hint: (cause.map { "\($0.message); " } ?? "")
                + (untried > 0 ? "\(untried) more were not tried, for it took too long; " : "")
                + "the slots and what opens them: dtm state status", cause: cause)
    }

    /// Whether one of the slots that were written by who has the root key is opened by a passphrase.
    func hasPassphrase(_ keys: StateKeys) throws(StateError) -> Bool {
        try slots(checkedWith: keys).usable.contains { $0.slot is PassphraseSlot }
    }

    /// Whether a slot that was written by who has the root key is opened by this. Slots that somebody else put there are
    /// not even tried.
    ///
    /// - Throws: `memory`, `io`.
    func isOpened(by secret: UnlockSecret, _ keys: StateKeys) throws(StateError) -> Bool {
        for slot in try slots(checkedWith: keys).inOrder {
            if let root = try slot.open(with: secret), root.bytes.isEqual(to: keys.root.bytes) { return true }
        }
        return false
    }

    // MARK: Changing

    /// Adds a slot. Its file appears whole or not at all.
    @discardableResult
    func add(_ new: NewSlot, _ keys: StateKeys, at now: Timestamp) throws(StateError) -> SlotID {
        try folder.requireInPlace()
        guard try slots(checkedWith: keys).usable.count < Self.maximumSlots else {
            throw StateError(.slotLimit, "there are \(Self.maximumSlots) key slots, which is the most")
        }
        var id = SlotID.random()
        while try folder.has(Self.name(id)) { id = .random() }
        let (file, companion) = try make(new, id, keys, at: now)
        do throws(StateError) {
            // The slot's own file comes last: without it the other means nothing.
            if let companion { try folder.write(Self.companionName(id), companion) }
            try folder.write(Self.name(id), file.encoded)
        } catch {
            try? folder.erase(Self.name(id))
            try? folder.erase(Self.companionName(id))
            throw error
        }
        return id
    }

    private func make(
        _ new: NewSlot, _ id: SlotID, _ keys: StateKeys, at now: Timestamp
    ) throws(StateError) -> (file: SlotFile, companion: [UInt8]?) {
        switch new {
        case .passphrase(let secret, let hash, let label):
            try secret.checkForNewSlot()
            var file = SlotFile(
                instance: instance, id: id, kind: PassphraseSlot.kind, createdAt: now, label: label,
                parameters: PassphraseSlot.parameters(hash))
            guard let key = try Self.memory({ try hash.key(for: secret.secret.bytes) }) else {
                throw StateError(.passphrase, "the parameters of Argon2id are out of bounds")
            }
            file.wrap(keys, under: key)
            return (file, nil)
        case .operatorKey(let publicKey, let label):
            let key = try Self.memory { try SecretBytes(randomCount: SecretCipher.keyBytes) }
            let text = SharedSecret(try Self.memory { try Self.hexadecimal(key) })
            let message: [UInt8]
            do {
                message = try openPGP.seal(secret: text, to: [publicKey])
            } catch {
                throw StateError(.recipient, "the operator's key can't be encrypted to", cause: error)
            }
            var file = SlotFile(
                instance: instance, id: id, kind: OperatorKeySlot.kind, createdAt: now, label: label,
                parameters: OperatorKeySlot.parameters(publicKey, message: message))
            file.wrap(keys, under: key)
            return (file, message)
        }
    }

    /// Removes a slot: also one that can't be used, or that somebody else made.
    ///
    /// - Throws: `noSlot`; `slotLimit` when no other one would be left that was written by who has the root key.
    func remove(_ id: SlotID, _ keys: StateKeys) throws(StateError) {
        try folder.requireInPlace()
        guard try folder.has(Self.name(id)) else {
            throw StateError(
                .noSlot, "there is no key slot \(id)",
                hint: "those that there are: "
                    + (try slots()).usable.map { $0.file.id.description }.joined(separator: ", "))
        }
        let others = try slots(checkedWith: keys).usable.filter { $0.file.id != id }
        let isOurs = try isGenuine(id, keys)
        guard !isOurs || !others.isEmpty else {
            throw StateError(
                .slotLimit, "\(id) is the last key slot: without it nobody can open the state again",
                hint: "add another one first: dtm state slots add")
        }
        try folder.erase(Self.name(id))
        try? folder.erase(Self.companionName(id))
    }

    private func isGenuine(_ id: SlotID, _ keys: StateKeys) throws(StateError) -> Bool {
        let name = Self.name(id)
        do throws(StateError) {
            let file = try SlotFile(try folder.read(name, atMost: Self.maximumFile), file: "slots/\(name)")
            return file.instance == instance && file.isGenuine(keys)
        } catch  where [.malformed, .truncated, .tooLarge].contains(error.code) {
            return false
        }
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
