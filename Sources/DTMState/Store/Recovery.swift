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

    /// Whether nothing is wrong, and the generation in force verifies.
    public var isWhole: Bool {
        guard problems.isEmpty, let newest = generations.last(where: { $0.isCommitted }) else { return false }
        return newest.problem == nil
    }
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
        let committed = Set(names.compactMap(GenerationName.ofHead))
        let torn = names.compactMap(GenerationName.ofContent).filter { !committed.contains($0) }
        var problems = try parts.slots.slots(checkedWith: reader.envelope.keys).problems
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
            hasWitness = try parts.witness.folder.has(Witness.name)
            // A commit that can't be read is told of above.
            if let last = committed.max(), let head = try? reader.head(last) {
                hasWitness = try checkWitness(parts, head, at: place, finishing: false)
            }
            if committed.isEmpty { problems.append(missing(place)) }
        } catch {
            problems.append(error)
        }
        let findings = StateFindings(
            instance: reader.envelope.instance, generations: generations, problems: problems, hasWitness: hasWitness)
        return (findings, newest)
    }

    private static func isKnown(_ name: String) -> Bool {
        name == RecipientFile.name || name == BaselineFile.name || name == "slots"
            || SetAsideName.moment(of: name) != nil
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
        let store = try SealedStore(place, parts, newest: found, openPGP: openPGP)
        for folder in [reader.folder, parts.slots.folder, parts.witness.folder] { folder.removeTemporary() }
        try setAside(after: generation, reader.folder, now)
        // The witness saw a later one: from here on it sees this one's successor.
        try parts.witness.folder.erase(Witness.name)
        try store.save(content, at: now)
        if let problem = store.witnessProblem { throw problem }
        removeStaging(at: place)
        return (store, content)
    }

    /// The newest first, so that what is cut short leaves a row without gaps, which the witness contradicts.
    private static func setAside(
        after generation: UInt64, _ folder: StateFolder, _ now: Timestamp
    ) throws(StateError) {
        let newer = try folder.names().filter { name in
            (GenerationName.ofHead(name) ?? GenerationName.ofContent(name)).map { $0 > generation } ?? false
        }
        let heads = newer.filter { GenerationName.ofHead($0) != nil }
        let contents = newer.filter { GenerationName.ofHead($0) == nil }
        for name in heads.reversed() + contents {
            var moment = UInt64(bitPattern: now.nanoseconds)
            while try folder.has(SetAsideName.make(name, moment)) { moment &+= 1 }
            try folder.rename(name, to: SetAsideName.make(name, moment))
        }
    }
}
