public import DTMCore
public import DTMSecrets
import Synchronization

/// Where a sealed state lies.
public struct StatePlace: Hashable, Sendable {
    /// The manager's home, which holds the witness.
    public var home: String
    public var state: String { "\(home)/state" }
    var slots: String { "\(state)/slots" }
    public var backups: String { "\(home)/backups" }

    public init(home: String) { self.home = home }

    /// Whether there is one, whatever its condition.
    public var isSealed: Bool {
        guard let folder = try? StateFolder(state), let names = try? folder.names() else { return false }
        return names.contains { $0 == RecipientFile.name || GenerationName.ofHead($0) != nil }
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
    }

    public let place: StatePlace
    public let instance: InstanceID
    let reader: GenerationReader
    let keys: StateKeys
    let session: OpenPGPKeyPair
    private let slotFolder: SlotFolder
    private let witness: Witness
    private let openPGP: any OpenPGPProvider
    private let position: Mutex<Position>

    /// How many generations are kept, the one in force included.
    static let keptGenerations: UInt64 = 3

    init(
        _ place: StatePlace, _ parts: Parts, newest: GenerationReader.Found, openPGP: any OpenPGPProvider
    ) throws(StateError) {
        self.place = place
        instance = parts.reader.envelope.instance
        reader = parts.reader
        keys = parts.reader.envelope.keys
        session = try Self.freshSession(openPGP)
        slotFolder = parts.slots
        witness = parts.witness
        self.openPGP = openPGP
        position = Mutex(Position(newest: newest))
    }

    public var generation: UInt64 { position.withLock { $0.newest.commit.generation } }
    /// When the generation in force was written.
    public var savedAt: Timestamp { position.withLock { $0.newest.commit.writtenAt } }

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
    }

    /// Makes a sealed state where there is none.
    ///
    /// - Throws: `present`, `noSlot`, `passphrase`, `full`, `readOnly`, `io`. What was made so far is taken away again.
    public static func create(
        at place: StatePlace, content: StateContent, slots: [NewSlot], openPGP: any OpenPGPProvider, now: Timestamp
    ) throws(StateError) -> SealedStore {
        guard !slots.isEmpty else { throw StateError(.noSlot, "a state needs at least one key slot") }
        let home = try StateFolder(place.home, creating: true)
        let folder = try StateFolder(place.state, creating: true)
        let there = try folder.names()
        guard there.isEmpty || there == ["slots"] else {
            throw StateError(
                .present, "there is a state at \(place.state) already",
                hint: "use it, or move it out of the way; it is never overwritten")
        }
        let keys = try StateKeys.random()
        let instance = InstanceID.random()
        let recipient = try freshSession(openPGP)
        let slotFolder = SlotFolder(
            folder: try StateFolder(place.slots, creating: true), instance: instance, openPGP: openPGP)
        do throws(StateError) {
            for slot in slots { try slotFolder.add(slot, root: keys.root, at: now) }
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
            try? home.erase(Witness.name)
            let store = try SealedStore(place, parts, newest: none, openPGP: openPGP)
            try store.save(content, at: now)
            return store
        } catch {
            for name in (try? slotFolder.folder.names()) ?? [] { try? slotFolder.folder.erase(name) }
            for name in (try? folder.names()) ?? [] where name != "slots" { try? folder.erase(name) }
            throw error
        }
    }

    /// Opens a state and reads the generation in force.
    ///
    /// A generation without a commit is one whose saving was cut short: it is left out of account. A commit whose
    /// generation does not verify stops the opening: only an operator can say that an older one will do.
    ///
    /// - Throws: `absent`, `locked`, `noSlot`, and each way in which a file can be wrong.
    public static func open(
        at place: StatePlace, unlockedBy secret: UnlockSecret, openPGP: any OpenPGPProvider
    ) throws(StateError) -> (store: SealedStore, content: StateContent) {
        let parts = try parts(at: place, openPGP) { slots throws(StateError) in try slots.open(with: secret) }
        return try open(at: place, parts, openPGP)
    }

    /// Opens it with the root key that an earlier start of the same manager kept.
    public static func open(
        at place: StatePlace, root: SharedSecret, openPGP: any OpenPGPProvider
    ) throws(StateError) -> (store: SealedStore, content: StateContent) {
        try open(at: place, try parts(at: place, openPGP) { _ throws(StateError) in root }, openPGP)
    }

    private static func open(
        at place: StatePlace, _ parts: Parts, _ openPGP: any OpenPGPProvider
    ) throws(StateError) -> (store: SealedStore, content: StateContent) {
        let reader = parts.reader
        guard let newest = try reader.generations().last else {
            throw StateError(
                .missing, "\(place.state) holds key slots and no generation of the state",
                hint: "dtm state restore takes a backup")
        }
        let found = try reader.head(newest)
        try reader.checkChain(found)
        _ = try parts.witness.check(found)
        let content = try reader.content(found)
        reader.folder.removeTemporary()
        return (try SealedStore(place, parts, newest: found, openPGP: openPGP), content)
    }

    /// The root key may be anything for what only looks.
    static func parts(
        at place: StatePlace, _ openPGP: any OpenPGPProvider,
        root: (SlotFolder) throws(StateError) -> SharedSecret
    ) throws(StateError) -> Parts {
        let folder = try StateFolder(place.state)
        let file = try RecipientFile(in: folder)
        let slots = SlotFolder(folder: try StateFolder(place.slots), instance: file.instance, openPGP: openPGP)
        let keys = try StateKeys(root: try root(slots))
        return Parts(
            reader: GenerationReader(
                folder: folder, envelope: Envelope(openPGP: openPGP, keys: keys, instance: file.instance),
                recipient: try file.pair(keys)),
            slots: slots,
            witness: Witness(folder: try StateFolder(place.home), keys: keys, instance: file.instance))
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

    @discardableResult
    public func addSlot(_ slot: NewSlot, at now: Timestamp) throws(StateError) -> SlotID {
        try slotFolder.add(slot, root: keys.root, at: now)
    }

    /// - Throws: `noSlot`, and `slotLimit` for the last one.
    public func removeSlot(_ id: SlotID) throws(StateError) { try slotFolder.remove(id) }
}

// MARK: Saving

extension SealedStore {
    /// Saves a new generation. When it returns, the generation is on the disk and in force.
    ///
    /// - Throws: `full`, `readOnly`, `io`: the generation before is in force then. After a failure in the very last step
    ///   it can't be known which of the two is, and the store saves no more.
    @discardableResult
    public func save(_ content: StateContent, at now: Timestamp) throws(StateError) -> UInt64 {
        try position.withLock { position throws(StateError) in
            if let failure = position.failure { throw failure }
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
                if reader.folder.has(GenerationName.head(generation)) {
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
            try? witness.write(generation, head: position.newest.digest)
            forget(before: generation)
            return generation
        }
    }

    private func forget(before generation: UInt64) {
        guard let names = try? reader.folder.names() else { return }
        for name in names {
            guard let old = GenerationName.ofHead(name) ?? GenerationName.ofContent(name),
                old + Self.keptGenerations <= generation
            else { continue }
            try? reader.folder.erase(name)
        }
    }

    /// Whether the newest generation on the disk still is what this store wrote or read.
    ///
    /// - Throws: What is wrong with it.
    public func verifyOnDisk() throws(StateError) {
        let newest = position.withLock { $0.newest }
        let found = try reader.head(newest.commit.generation)
        guard found.digest == newest.digest else {
            throw .damaged(
                .modified, GenerationName.head(newest.commit.generation), "it was replaced while the manager runs")
        }
        if let other = try reader.generations().last, other > newest.commit.generation {
            throw .damaged(.generation, GenerationName.head(other), "somebody else wrote it while the manager runs")
        }
        _ = try reader.content(found)
        _ = try witness.check(found)
    }
}
