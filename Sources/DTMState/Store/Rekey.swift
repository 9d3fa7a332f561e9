import CDTMLinux
public import DTMCore
import Glibc

extension SealedStore {
    /// Seals a content under a new root key with new key slots: for a slot's secret that others may know. What lay
    /// under the old root key is overwritten and removed; backups and copies made elsewhere are not touched by this.
    ///
    /// The new state is made beside the old one and takes its place in one step (`renameat2(2)`, RENAME_EXCHANGE). Where
    /// it is cut short after that, the next opening of the new state finishes it.
    ///
    /// - Parameter baselines: What the analyst learnt; nil: nothing of it is taken along.
    /// - Throws: As ``create(at:content:slots:openPGP:now:)``; the old state is in force then.
    public static func rekey(
        _ content: StateContent, at place: StatePlace, slots: [NewSlot], baselines: [UInt8]? = nil,
        openPGP: any OpenPGPProvider, now: Timestamp
    ) throws(StateError) {
        let staging = staging(place)
        try remove(staging)
        let made = try create(at: staging, content: content, slots: slots, openPGP: openPGP, now: now)
        if let baselines { try made.saveBaselines(baselines) }
        let (home, beside) = (try StateFolder(place.home), try StateFolder(staging.home))
        let code = -dtm_exchange(staging.state, place.state)
        guard code == 0 else {
            try? remove(staging)
            throw StateError(
                .io, "the new state could not take the place of the old one: \(String(cString: strerror(code)))",
                hint: "the old one is in force")
        }
        // From here on the new one is in force, and its witness has to be the home's.
        do throws(StateError) {
            for folder in [home, beside] { try folder.flush() }
            try beside.move(Witness.name, into: home)
        } catch {
            throw StateError(
                error.code,
                "the new state is in force, and what lay under the old key could not be put away: \(error.message)",
                hint: "opening the new one does it: dtm up", cause: error)
        }
        try remove(staging)
    }

    private static func staging(_ place: StatePlace) -> StatePlace { StatePlace(home: "\(place.home)/.rekey") }

    /// Holds the newest commit against the witness: the home's, or, when a rekey was cut short just before its end, the
    /// one that still lies beside.
    ///
    /// - Parameter finishing: Whether that rekey is finished by this.
    /// - Returns: Whether there is one.
    static func checkWitness(
        _ parts: Parts, _ newest: GenerationReader.Found, at place: StatePlace, finishing: Bool
    ) throws(StateError) -> Bool {
        do throws(StateError) {
            return try parts.witness.check(newest)
        } catch  where error.code == .foreign {
            // Nobody without the new root key can write one that vouches for the new state.
            guard let beside = try? StateFolder(staging(place).home) else { throw error }
            let own = Witness(folder: beside, keys: parts.witness.keys, instance: parts.witness.instance)
            guard (try? own.check(newest)) == true else { throw error }
            if finishing { try beside.move(Witness.name, into: parts.witness.folder) }
            return true
        }
    }

    /// Overwrites and removes what a rekey that was cut short left beside the state in force.
    static func removeStaging(at place: StatePlace) { try? remove(staging(place)) }

    private static func remove(_ place: StatePlace) throws(StateError) {
        guard access(place.home, F_OK) == 0 else { return }
        for path in [place.slots, place.state, place.home] {
            guard let folder = try? StateFolder(path) else { continue }
            for name in try folder.names() where name != "slots" && name != "state" { try folder.erase(name) }
            folder.removeTemporary()
            rmdir(path)
        }
    }
}
