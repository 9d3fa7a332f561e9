import ArgumentParser
import DTMAPI
import DTMCommands
import DTMCore
import DTMLauncher
import DTMSecrets
import DTMState
import DTMText
import Glibc

/// The home whose state is meant.
struct StateHomeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The manager's home. Default: $DTM_HOME or ~/.dtm.", valueName: "dir"),
        completion: .directory)
    var home: String?

    @Flag(help: "Print one JSON object for scripts; errors too, on standard error.")
    var json = false

    func place() throws -> StatePlace {
        guard let path = home.map(HomeDirectory.absolute) ?? HomeDirectory.standard() else {
            throw CommandFailure(message: "this user has no home", hint: "name a folder with --home DIR")
        }
        return StatePlace(home: path)
    }

    /// Runs what a command does on the state of this home, and turns its errors into words and an exit status.
    ///
    /// - Parameter alone: Whether no manager may run meanwhile.
    func work(alone: Bool = false, _ body: (StatePlace) throws -> Void) async throws {
        try await reporting(asJSON: json) {
            let place = try place()
            let lock = alone ? try HomeLock(place.home) : nil
            try withExtendedLifetime(lock) { try body(place) }
        }
    }

    var suffix: String { home.map { " --home \(shellQuoted($0))" } ?? "" }

    /// Prints `value` for scripts, or `lines` for people.
    func print(_ value: some Encodable, _ lines: (TextStyle) -> [String]) throws {
        let output = Output.standard()
        if json { try output.json(value) } else { try output.lines(lines(output.style)) }
    }
}

/// What opens a state.
struct UnlockOptions: ParsableArguments {
    @Option(
        name: .customLong("passphrase-file"),
        help: ArgumentHelp(
            "Unlock with the first line of this file, or what gpg --decrypt makes of a slot's .key.pgp; /dev/stdin is one.",
            valueName: "file"), completion: .file())
    var passphraseFile: String?

    /// Opens the state.
    ///
    /// - Parameter alone: Whether no manager can be running.
    func open(_ place: StatePlace, alone: Bool = false) throws -> (store: SealedStore, content: StateContent) {
        try SealedStore.open(
            at: place, unlockedBy: try secret(for: place), openPGP: RNPProvider(), besideManager: !alone)
    }

    func secret(for place: StatePlace) throws -> UnlockSecret {
        if let passphraseFile { return try SecretFile.read(passphraseFile) }
        guard let prompt = PassphrasePrompt() else {
            throw CommandFailure(
                message: "the state is sealed, and there is nothing to unlock it with",
                hint: "give --passphrase-file FILE, or start this on a terminal")
        }
        guard let secret = try prompt.read("Passphrase for the state of \(place.home): ") else {
            throw CancellationError()
        }
        return secret
    }
}

/// The key slots that a state gets.
struct NewSlotOptions: ParsableArguments {
    @Option(
        name: .customLong("operator-key"),
        help: ArgumentHelp(
            "Add a slot that this OpenPGP public key's owner opens, with gpg or a smartcard.", valueName: "file"),
        completion: .file())
    var operatorKey: String?

    @Flag(name: .customLong("single-slot"), help: "Be content with one way to open it.")
    var singleSlot = false

    /// - Parameter passphraseFile: Nil: the terminal is asked, unless an operator's key alone is wanted.
    func slots(passphraseFile: String?) throws -> [NewSlot] {
        var slots: [NewSlot] = []
        if let operatorKey {
            slots.append(.operatorKey(try Self.key(operatorKey), label: "operator"))
        }
        if let passphraseFile {
            slots.append(.passphrase(try SecretFile.read(passphraseFile)))
        } else if !(singleSlot && operatorKey != nil) {
            slots.append(.passphrase(try Self.ask()))
        }
        guard slots.count >= 2 || singleSlot else {
            throw CommandFailure(
                codeName: "state.single_slot",
                message: "one key slot is one mishap away from a state that nobody can open",
                hint: "give --operator-key FILE as well, or say that one will do: --single-slot")
        }
        return slots
    }

    static func key(_ path: String) throws -> OpenPGPPublicKey {
        let bytes = try SecretFile.withDescriptor(of: path) { descriptor in
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while bytes.count <= 1 << 20 {
                let count = Glibc.read(descriptor, &chunk, chunk.count)
                guard count > 0 else { break }
                bytes += chunk[..<count]
            }
            return bytes
        }
        return try OpenPGPPublicKey(bytes, requireEncryption: true)
    }

    private static func ask() throws -> UnlockSecret {
        guard let prompt = PassphrasePrompt() else {
            throw CommandFailure(
                message: "a passphrase is needed", hint: "give --passphrase-file FILE, or start this on a terminal")
        }
        while true {
            guard let first = try prompt.read("New passphrase: ") else { throw CancellationError() }
            do {
                try first.checkForNewSlot()
            } catch {
                prompt.say(error.message)
                continue
            }
            guard let second = try prompt.read("The same again: ") else { throw CancellationError() }
            if first.secret.bytes.isEqual(to: second.secret.bytes) { return first }
            prompt.say("These differ.")
        }
    }
}
