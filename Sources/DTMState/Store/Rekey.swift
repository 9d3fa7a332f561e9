import CDTMLinux
public import DTMCore
import Glibc

extension SealedStore {
    /// Seals a content under a new root key with new key slots: for a slot's secret that others may know. What lay
    /// under the old root key is overwritten and removed; backups and copies made elsewhere are not touched by this.
    ///
    /// The new state is made beside the old one and takes its place in one step (`renameat2(2)`, RENAME_EXCHANGE).
    ///
    /// - Throws: As ``create(at:content:slots:openPGP:now:)``; the old state is in force then.
    public static func rekey(
        _ content: StateContent, at place: StatePlace, slots: [NewSlot], openPGP: any OpenPGPProvider, now: Timestamp
    ) throws(StateError) {
        let staging = StatePlace(home: "\(place.home)/.rekey")
        try remove(staging)
        _ = try create(at: staging, content: content, slots: slots, openPGP: openPGP, now: now)
        let code = -dtm_exchange(staging.state, place.state)
        guard code == 0 else {
            try? remove(staging)
            throw StateError(
                .io, "the new state could not take the place of the old one: \(String(cString: strerror(code)))",
                hint: "the old one is in force")
        }
        // From here on the new one is in force, and its witness has to be the home's.
        guard rename("\(staging.home)/\(Witness.name)", "\(place.home)/\(Witness.name)") == 0 else {
            throw StateError(
                .io, "the new state is in force, and its witness could not be put in place",
                hint: "remove \(place.home)/\(Witness.name)")
        }
        try remove(staging)
    }

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
