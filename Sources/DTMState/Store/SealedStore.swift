public import DTMCore
public import DTMSecrets
import Synchronization

/// Where a sealed state lies.
public struct StatePlace: Hashable, Sendable {
    /// The manager's home, which holds the witness.
    public var home: String
    /// The folder of the state itself.
    public var state: String { "\(home)/\(stateName)" }
    var stateName: String { "state" }
    var slots: String { "\(state)/slots" }
    public var backups: String { "\(home)/backups" }

    public init(home: String) { self.home = home }

    /// Whether there is one, whatever its condition. An empty folder is none.
    public var isSealed: Bool {
        do throws(StateError) {
            return try !StateFolder(state).names().isEmpty
        } catch {
            // What is there and can't be looked at must not pass for nothing.
            return error.code != .absent
        }
    }
}

/// A sealed state that is open: saves generation after generation.
///
/// Life: ``create(at:content:slots:openPGP:now:)`` once, or ``open(at:unlockedBy:openPGP:)`` → ``save(_:at:)``. Safe to
/// use from several threads; saves come one after another. The caller keeps other managers away from the home.
public final class SealedStore: Sendable {
    private struct Position {
        var newest: GenerationReader.Found
        /// What ended this store: what is on the disk is not known for certain any more.
        var failure: StateError?
        /// Why the witness does not know of the newest generation.
        var witnessProblem: StateError?
        /// Whether this store wrote the witness.
        var isWitnessed = false
    }

    public let place: StatePlace
    public let instance: InstanceID
    /// Whether there was a witness when it was opened: without one, a state that was put back to an earlier day passes
    /// unnoticed.
    public let hadWitness: Bool
    let reader: GenerationReader
    let keys: StateKeys
    let session: OpenPGPKeyPair
    private let slotFolder: SlotFolder
    private let witness: Witness
    private let openPGP: any OpenPGPProvider
    private let position: Mutex<Position>
    /// Slots are changed one after another: two that each see another slot left must not both go.
    private let slotChanges = Mutex<Void>(())

    /// How many generations are kept, the one in force included.
    static let keptGenerations: UInt64 = 3

    init(
        _ place: StatePlace, _ parts: Parts, newest: GenerationReader.Found, isWitnessed: Bool = false,
        openPGP: any OpenPGPProvider
    ) throws(StateError) {
        self.place = place
        hadWitness = isWitnessed
        instance = parts.reader.envelope.instance
        reader = parts.reader
        keys = parts.reader.envelope.keys
        session = try Self.freshSession(openPGP)
        slotFolder = parts.slots
        witness = parts.witness
        self.openPGP = openPGP
        position = Mutex(Position(newest: newest, isWitnessed: isWitnessed))
    }

    private var newest: GenerationReader.Found { position.withLock { $0.newest } }
    /// The number of the generation in force.
    public var generation: UInt64 { position.withLock { $0.newest.commit.generation } }
    /// When the generation in force was written.
    public var savedAt: Timestamp { position.withLock { $0.newest.commit.writtenAt } }

    /// Why the witness could not be written at the last save: until it can be, an older state that is put in the place
    /// of this one may pass unnoticed.
    public var witnessProblem: StateError? { position.withLock { $0.witnessProblem } }

    private static func freshSession(_ openPGP: any OpenPGPProvider) throws(StateError) -> OpenPGPKeyPair {
        do {
            return try openPGP.generateKeyPair(userID: "DTM state")
        } catch {
            throw StateError(.memory, "no OpenPGP key for this start could be made", cause: error)
        }
    }
}

// MARK: Making and opening

extension SealedStore {
    struct Parts {
        var reader: GenerationReader
        var slots: SlotFolder
        var witness: Witness

        /// The same, in the folders as they are called now.
        func moved(to place: StatePlace) throws(StateError) -> Parts {
            Parts(
                reader: GenerationReader(
                    folder: try StateFolder(place.state), envelope: reader.envelope, recipient: reader.recipient),
                slots: SlotFolder(
                    folder: try StateFolder(place.slots), instance: slots.instance, openPGP: slots.openPGP),
                witness: witness)
        }
    }

    /// Makes a sealed state where there is none.
    ///
    /// - Throws: `present`, `noSlot`, `passphrase`, `full`, `readOnly`, `io`. What was made so far is taken away again.
    public static func create(
        at place: StatePlace, content: StateContent, slots: [NewSlot], openPGP: any OpenPGPProvider, now: Timestamp
    ) throws(StateError) -> SealedStore {
        guard !slots.isEmpty else { throw StateError(.noSlot, "a state needs at least one key slot") }
        let home = try StateFolder(place.home, creating: true)
        guard !place.isSealed else { throw present(place) }
        home.removeTemporary()
        // All of it is made under another name, so that a state is there whole or not at all.
        let unfinished = StateFolder.temporaryName()
        var isRenaming = false
        do throws(StateError) {
            let (parts, newest) = try make(home, unfinished, place, content, slots, openPGP, now)
            isRenaming = true
            do throws(StateError) {
                try home.rename(unfinished, to: place.stateName)
            } catch  where error.code == .present {
                throw present(place)
            }
            return try SealedStore(
                place, try parts.moved(to: place), newest: newest, isWitnessed: true, openPGP: openPGP)
        } catch {
            let isRenamed = isRenaming && error.code != .present && (try? home.has(unfinished)) == false
            home.removeFolder(isRenamed ? place.stateName : unfinished)
            throw error
        }
    }

    private static func present(_ place: StatePlace) -> StateError {
        StateError(
            .present, "there is a state at \(place.state) already",
            hint: "use it, or move it out of the way; it is never overwritten")
    }

    /// Makes a state with its first generation in a folder of its own, and its witness.
    private static func make(
        _ home: StateFolder, _ name: String, _ place: StatePlace, _ content: StateContent, _ slots: [NewSlot],
        _ openPGP: any OpenPGPProvider, _ now: Timestamp
    ) throws(StateError) -> (parts: Parts, newest: GenerationReader.Found) {
        let folder = try StateFolder("\(home.path)/\(name)", creating: true)
        let keys = try StateKeys.random()
        let instance = InstanceID.random()
        let recipient = try freshSession(openPGP)
        let slotFolder = SlotFolder(
            folder: try StateFolder("\(folder.path)/slots", creating: true), instance: instance, openPGP: openPGP)
        for slot in slots { try slotFolder.add(slot, keys, at: now) }
        try folder.write(RecipientFile.name, RecipientFile(instance: instance, recipient, keys).encoded)
        let none = GenerationReader.Found(
            commit: Commit(
                instance: instance, generation: 0, previous: Digest.none, digest: Digest.none, length: 0,
                writtenAt: now, signer: []),
            digest: Digest.none)
        let parts = Parts(
            reader: GenerationReader(
                folder: folder, envelope: Envelope(openPGP: openPGP, keys: keys, instance: instance),
                recipient: recipient),
            slots: slotFolder, witness: Witness(folder: home, keys: keys, instance: instance))
        let store = try SealedStore(place, parts, newest: none, openPGP: openPGP)
        try store.save(content, at: now)
        // Another state's witness, left here, would not let this one be opened.
        if let problem = store.witnessProblem { throw problem }
        return (parts, store.newest)
    }

    /// Opens a state and reads the generation in force.
    ///
    /// A generation without a commit is one whose saving was cut short: it is left out of account. A commit whose
    /// generation does not verify stops the opening: only an operator can say that an older one will do.
    ///
    /// - Parameter besideManager: Whether a manager may be using it at this moment: then nothing is tidied up, since what
    ///   looks like a leftover may be what it writes.
    /// - Throws: `absent`, `locked`, `noSlot`, and each way in which a file can be wrong.
    public static func open(
        at place: StatePlace, unlockedBy secret: UnlockSecret, openPGP: any OpenPGPProvider, besideManager: Bool = false
    ) throws(StateError) -> (store: SealedStore, content: StateContent) {
        let parts = try parts(at: place, openPGP) { slots throws(StateError) in try slots.open(with: secret) }
        return try open(at: place, parts, openPGP, tidies: !besideManager)
    }

    /// Opens it with the root key that an earlier start of the same manager kept.
    public static func open(
        at place: StatePlace, root: SharedSecret, openPGP: any OpenPGPProvider
    ) throws(StateError) -> (store: SealedStore, content: StateContent) {
        try open(at: place, try parts(at: place, openPGP) { _ throws(StateError) in root }, openPGP, tidies: true)
    }

    private static func open(
        at place: StatePlace, _ parts: Parts, _ openPGP: any OpenPGPProvider, tidies: Bool
    ) throws(StateError) -> (store: SealedStore, content: StateContent) {
        let reader = parts.reader
        guard let newest = try reader.generations().last else {
            throw missing(place)
        }
        let found = try reader.head(newest)
        try reader.checkChain(found)
        let hasWitness = try checkWitness(parts, found, at: place, finishing: tidies)
        let content = try reader.content(found)
        if tidies {
            removeStaging(at: place)
            for folder in [reader.folder, parts.slots.folder, parts.witness.folder] { folder.removeTemporary() }
        }
        return (
            try SealedStore(place, parts, newest: found, isWitnessed: hasWitness, openPGP: openPGP), content
        )
    }

    static func missing(_ place: StatePlace) -> StateError {
        StateError(
            .missing, "\(place.state) holds no generation of the state", hint: "dtm state restore takes a backup")
    }

    /// What it takes to read a state; nothing of it is checked but the recipient's key.
    static func parts(
        at place: StatePlace, _ openPGP: any OpenPGPProvider,
        root: (SlotFolder) throws(StateError) -> SharedSecret
    ) throws(StateError) -> Parts {
        let folder = try StateFolder(place.state)
        let file = try RecipientFile(in: folder)
        let slots = SlotFolder(folder: try StateFolder(place.slots), instance: file.instance, openPGP: openPGP)
        let keys = try StateKeys(root: try root(slots))
        let home = try StateFolder(place.home)
        let recipient: OpenPGPKeyPair
        do throws(StateError) {
            recipient = try file.pair(keys)
        } catch  where error.code == .modified {
            guard let seen = Witness.instanceSeen(in: home), seen != file.instance else { throw error }
            throw StateError(
                .foreign,
                "\(place.state) belongs to another instance (\(file.instance)) than this host has seen (\(seen))",
                hint: StateError.recover, cause: error)
        }
        return Parts(
            reader: GenerationReader(
                folder: folder, envelope: Envelope(openPGP: openPGP, keys: keys, instance: file.instance),
                recipient: recipient),
            slots: slots,
            witness: Witness(folder: home, keys: keys, instance: file.instance))
    }

    /// Whether the home has a witness, whatever it says; needs no key.
    public static func hasWitness(at place: StatePlace) throws(StateError) -> Bool {
        try StateFolder(place.home).has(Witness.name)
    }

    /// Lends the root key, to be kept for the next start of this manager.
    public var rootKey: SharedSecret { keys.root }

    /// The key slots, and why some can't be used; needs no key.
    public static func slots(
        at place: StatePlace, openPGP: any OpenPGPProvider
    ) throws(StateError) -> (slots: [SlotSummary], problems: [StateError], instance: InstanceID) {
        let file = try RecipientFile(in: try StateFolder(place.state))
        let folder = SlotFolder(folder: try StateFolder(place.slots), instance: file.instance, openPGP: openPGP)
        return (try folder.summaries(), try folder.slots().problems, file.instance)
    }

    /// Whether a passphrase opens this state, besides what else may.
    ///
    /// - Throws: `io`, when the slots can't be looked at.
    public var hasPassphrase: Bool {
        get throws(StateError) {
            try slotChanges.withLock { _ throws(StateError) in try slotFolder.hasPassphrase(keys) }
        }
    }

    /// Whether this opens the state; a passphrase takes a second or so for each slot of that kind.
    ///
    /// - Throws: `memory`, `io`, when that can't be told.
    public func isOpened(by secret: UnlockSecret) throws(StateError) -> Bool {
        try slotFolder.isOpened(by: secret, keys)
    }

    /// Adds a key slot; a passphrase takes a second or so.
    ///
    /// - Throws: `passphrase`, `recipient`, `slotLimit`, `memory`, `full`, `readOnly`, `io`. There is no new slot then.
    @discardableResult
    public func addSlot(_ slot: NewSlot, at now: Timestamp) throws(StateError) -> SlotID {
        try slotChanges.withLock { _ throws(StateError) in try slotFolder.add(slot, keys, at: now) }
    }

    /// Removes a key slot.
    ///
    /// - Throws: `noSlot`, and `slotLimit` for the last one.
    public func removeSlot(_ id: SlotID) throws(StateError) {
        try slotChanges.withLock { _ throws(StateError) in try slotFolder.remove(id, keys) }
    }
}

// MARK: Saving

extension SealedStore {
    /// Saves a new generation. When it returns, the generation is on the disk and in force.
    ///
    /// - Throws: `full`, `readOnly`, `io`, and `modified` when the folder was replaced: the generation before is in force
    ///   then. After a failure in the very last step
    ///   it can't be known which of the two is, and the store saves no more.
    @discardableResult
    public func save(_ content: StateContent, at now: Timestamp) throws(StateError) -> UInt64 {
        try position.withLock { position throws(StateError) in
            if let failure = position.failure { throw failure }
            try reader.folder.requireInPlace()
            let last = position.newest
            let generation = last.commit.generation + 1
            let message = try reader.envelope.seal(
                content,
                Envelope.Binding(
                    generation: generation, previous: last.digest, signer: session.publicKey.fingerprint),
                signedBy: session, to: reader.recipient.publicKey)
            let commit = Commit(
                instance: instance, generation: generation, previous: last.digest, digest: Digest.of(message),
                length: UInt64(message.count), writtenAt: now, signer: session.publicKey.bytes)
            let head = commit.encoded(keys)
            try reader.folder.write(GenerationName.content(generation), message)
            do throws(StateError) {
                try reader.folder.write(GenerationName.head(generation), head)
            } catch {
                // What can't be told counts as there.
                if (try? reader.folder.has(GenerationName.head(generation))) != false {
                    position.failure = StateError(
                        error.code, "generation \(generation) may be on the disk or not: \(error.message)",
                        hint: "restart the manager: it takes what is there", cause: error)
                } else {
                    try? reader.folder.erase(GenerationName.content(generation))
                }
                throw position.failure ?? error
            }
            position.newest = GenerationReader.Found(commit: commit, digest: Digest.of(head))
            // The state is saved; these two can be made up for by the next save.
            do throws(StateError) {
                try witness.write(generation, head: position.newest.digest)
                position.witnessProblem = nil
                position.isWitnessed = true
            } catch {
                position.witnessProblem = error
            }
            forget(before: generation, at: now)
            return generation
        }
    }

    private func forget(before generation: UInt64, at now: Timestamp) {
        guard let names = try? reader.folder.names() else { return }
        // In the order of names each commit goes before its content. They are ciphertext under keys that are in force:
        // overwriting them would cost more than the save, and keep nothing from anybody.
        reader.folder.remove(
            names.filter { name in
                guard let old = GenerationName.ofHead(name) ?? GenerationName.ofContent(name) else { return false }
                return old < generation && generation - old >= Self.keptGenerations
            } + SetAsideName.expired(names, at: now))
    }

    /// Whether what is on the disk still is what this store wrote or read: the newest generation, the witness, the key
    /// slots.
    ///
    /// - Throws: What is wrong with it.
    public func verifyOnDisk() throws(StateError) {
        try position.withLock { position throws(StateError) in
            if let failure = position.failure { throw failure }
            try reader.folder.requireInPlace()
            let newest = position.newest
            let found = try reader.head(newest.commit.generation)
            guard found.digest == newest.digest else {
                throw .damaged(
                    .modified, GenerationName.head(newest.commit.generation), "it was replaced while the manager runs")
            }
            if let other = try reader.generations().last, other > newest.commit.generation {
                throw .damaged(.generation, GenerationName.head(other), "somebody else wrote it while the manager runs")
            }
            _ = try reader.content(found)
            if let problem = position.witnessProblem { throw problem }
            guard try witness.check(found) || !position.isWitnessed else {
                throw .damaged(.missing, Witness.name, "it was removed while the manager runs")
            }
        }
        try slotFolder.folder.requireInPlace()
        let slots = try slotChanges.withLock { _ throws(StateError) in try slotFolder.slots(checkedWith: keys) }
        if let problem = slots.problems.first { throw problem }
        guard !slots.usable.isEmpty else {
            throw StateError(
                .noSlot, "the key slots were removed while the manager runs",
                hint: "add one before it ends, or nobody can open the state again: dtm state slots add")
        }
    }
}
