public import DTMCore

/// What was found of one generation.
public struct GenerationFinding: Sendable {
    public var generation: UInt64
    public var writtenAt: Timestamp?
    /// In bytes.
    public var length: UInt64?
    /// What is wrong with it; nil when all of it verifies.
    public var problem: StateError?
    /// Whether its saving was finished.
    public var isCommitted: Bool
}

/// All that was found of a state.
public struct StateFindings: Sendable {
    public var instance: InstanceID
    /// Ascending.
    public var generations: [GenerationFinding]
    /// Other things that are wrong, key slots above all.
    public var problems: [StateError]
    /// Whether the home has a witness.
    public var hasWitness: Bool

    public var isWhole: Bool { problems.isEmpty && generations.last { $0.isCommitted }?.problem == nil }
}

extension SealedStore {
    /// The committed generations that are kept, ascending; needs no key.
    public static func generations(at place: StatePlace) throws(StateError) -> [UInt64] {
        try StateFolder(place.state).names().compactMap(GenerationName.ofHead).sorted()
    }

    /// Looks at everything, and changes nothing.
    public static func verify(
        at place: StatePlace, unlockedBy secret: UnlockSecret, openPGP: any OpenPGPProvider
    ) throws(StateError) -> (findings: StateFindings, content: StateContent?) {
        let parts = try parts(at: place, openPGP) { slots throws(StateError) in try slots.open(with: secret) }
        let reader = parts.reader
        let names = try reader.folder.names()
        let committed = names.compactMap(GenerationName.ofHead)
        let torn = names.compactMap(GenerationName.ofContent).filter { !committed.contains($0) }
        var problems = try parts.slots.slots().problems
        for name in names where !isKnown(name) {
            problems.append(.damaged(.malformed, name, "it is not a file of the state; somebody else put it there"))
        }
        var generations = torn.map {
            GenerationFinding(generation: $0, writtenAt: nil, length: nil, problem: nil, isCommitted: false)
        }
        var newest: StateContent?
        for generation in committed.sorted() {
            let (finding, content) = look(at: generation, reader)
            generations.append(finding)
            newest = content
        }
        generations.sort { $0.generation < $1.generation }
        var hasWitness = false
        do throws(StateError) {
            if let last = committed.max() { hasWitness = try parts.witness.check(try reader.head(last)) }
        } catch {
            hasWitness = true
            problems.append(error)
        }
        let findings = StateFindings(
            instance: reader.envelope.instance, generations: generations, problems: problems, hasWitness: hasWitness)
        return (findings, newest)
    }

    private static func isKnown(_ name: String) -> Bool {
        name == RecipientFile.name || name == "slots" || name.hasPrefix("set-aside-")
            || GenerationName.ofHead(name) != nil
            || GenerationName.ofContent(name) != nil
    }

    private static func look(
        at generation: UInt64, _ reader: GenerationReader
    ) -> (GenerationFinding, StateContent?) {
        var finding = GenerationFinding(
            generation: generation, writtenAt: nil, length: nil, problem: nil, isCommitted: true)
        do throws(StateError) {
            let found = try reader.head(generation)
            finding.writtenAt = found.commit.writtenAt
            finding.length = found.commit.length
            try reader.checkChain(found)
            return (finding, try reader.content(found))
        } catch {
            finding.problem = error
            return (finding, nil)
        }
    }

    /// Goes back to an older generation that verifies: an operator's decision. What is newer is set aside, under names
    /// that begin with `set-aside-`, and the generation is saved anew as the newest.
    ///
    /// - Returns: The store, and the content that is in force now.
    public static func recover(
        generation: UInt64, at place: StatePlace, unlockedBy secret: UnlockSecret, openPGP: any OpenPGPProvider,
        now: Timestamp
    ) throws(StateError) -> (store: SealedStore, content: StateContent) {
        let parts = try parts(at: place, openPGP) { slots throws(StateError) in try slots.open(with: secret) }
        let reader = parts.reader
        let there = try reader.generations()
        guard there.contains(generation) else {
            throw StateError(
                .missing, "there is no generation \(generation)",
                hint: "those that there are: \(there.map { String($0) }.joined(separator: ", "))")
        }
        let found = try reader.head(generation)
        let content = try reader.content(found)
        for name in try reader.folder.names() {
            guard let other = GenerationName.ofHead(name) ?? GenerationName.ofContent(name), other > generation else {
                continue
            }
            try reader.folder.rename(name, to: "set-aside-\(UInt64(bitPattern: now.nanoseconds))-\(name)")
        }
        // The witness saw a later one: from here on it sees this one's successor.
        try? parts.witness.folder.erase(Witness.name)
        let store = try SealedStore(place, parts, newest: found, openPGP: openPGP)
        try store.save(content, at: now)
        return (store, content)
    }
}
