import DTMCore
import DTMSecrets
import DTMState
import Glibc

/// A sealed state that is open, with what is in it.
struct OpenedState: Sendable {
    var store: SealedStore
    var state: ManagerState
    var openPGP: any OpenPGPProvider
    /// How it was unlocked, for people.
    var unlockedBy: String
}

/// Opens the sealed state of a home at the start: with the key that the launcher's memory retains, with a passphrase
/// file, with a systemd credential, or by asking on the terminal.
struct StateUnlocking {
    let place: StatePlace
    let arguments: ControlArguments
    let openPGP: any OpenPGPProvider

    /// The credential's name (`LoadCredential=dtm-passphrase:…`, systemd.exec(5)).
    static let credential = "dtm-passphrase"
    /// How often the terminal is asked.
    private static let attempts = 10
    /// The pause after the first wrong one; it doubles.
    private static let firstPause = 0.5
    private static let longestPause = 30.0

    /// Nil when the home has no sealed state.
    ///
    /// - Throws: `StateError`; `state.unusable`.
    func open() throws -> OpenedState? {
        guard place.isSealed else { return nil }
        let retained = arguments.retainedKeyDescriptor.map(RetainedKey.init)
        if let retained, let root = retained.read() {
            let (store, content) = try SealedStore.open(at: place, root: root, openPGP: openPGP)
            return try opened(store, content, "the key kept in memory since the start")
        }
        let (store, content, source) = try unlock()
        _ = retained?.write(store.rootKey)
        return try opened(store, content, source)
    }

    private func opened(_ store: SealedStore, _ content: StateContent, _ source: String) throws -> OpenedState {
        OpenedState(store: store, state: try ManagerState(content), openPGP: openPGP, unlockedBy: source)
    }

    private func unlock() throws -> (SealedStore, StateContent, String) {
        if let file = arguments.passphraseFile { return try unlock(file, "the passphrase file") }
        if let folder = arguments.credentials, access("\(folder)/\(Self.credential)", R_OK) == 0 {
            return try unlock("\(folder)/\(Self.credential)", "the systemd credential \(Self.credential)")
        }
        return try ask()
    }

    private func unlock(_ path: String, _ source: String) throws -> (SealedStore, StateContent, String) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else {
            throw StateError(
                .passphrase, "\(source) \(path) can't be opened: \(errnoText(errno))",
                hint: "dtm up --passphrase-file FILE, with a file that this user may read")
        }
        defer { close(descriptor) }
        let (store, content) = try SealedStore.open(
            at: place, unlockedBy: try UnlockSecret(reading: descriptor, from: path), openPGP: openPGP)
        return (store, content, source)
    }

    private func ask() throws -> (SealedStore, StateContent, String) {
        guard let terminal = PassphrasePrompt() else {
            throw StateError(
                .locked, "the state at \(place.state) is sealed, and there is nothing to unlock it with",
                hint:
                    "dtm up --passphrase-file FILE, a systemd credential \(Self.credential), or start it on a terminal")
        }
        var pause = Self.firstPause
        for attempt in 1...Self.attempts {
            guard let secret = try terminal.read("Passphrase for the state of \(place.home): ") else {
                throw StateError(.locked, "no passphrase was given", hint: "start it again when it is at hand")
            }
            do throws(StateError) {
                let (store, content) = try SealedStore.open(at: place, unlockedBy: secret, openPGP: openPGP)
                return (store, content, "a passphrase")
            } catch {
                guard error.code == .locked, attempt < Self.attempts else { throw error }
                terminal.say("That opens no key slot.")
                // Before serving anybody: nothing else waits for this thread.
                usleep(UInt32(pause * 1_000_000))
                pause = min(pause * 2, Self.longestPause)
            }
        }
        throw StateError(.locked, "no key slot was opened")
    }
}
