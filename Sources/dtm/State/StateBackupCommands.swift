import ArgumentParser
import DTMAPI
import DTMCommands
import DTMCore
import DTMSecrets
import DTMState
import DTMText
import Glibc

struct StateBackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Write a backup now, to the operator's backup key.",
        discussion: """
            Asks the manager when one runs; without one, the state is unlocked here. Open a backup with: gpg --decrypt FILE \
            | dtm state restore --from -
            """)

    @OptionGroup var unlock: UnlockOptions
    @OptionGroup var options: StateHomeOptions

    func run() async throws {
        try await reporting(asJSON: options.json) {
            let place = try options.place()
            let file: String
            do {
                file = try await ControlClient.withClient(at: ControlSocketLocator(home: options.home)) { client in
                    try await client.backUp().file
                }
            } catch let error as ControlClientError where error.code == .noManager || error.code == .unreachable {
                file = try write(place)
            }
            try options.print(BackupAnswer(file: file)) { _ in ["wrote \(place.backups)/\(file)"] }
        }
    }

    private func write(_ place: StatePlace) throws -> String {
        let (store, content) = try unlock.open(place)
        guard let key = content.bytes(StateContent.backupKeySection) else {
            throw CommandFailure(
                message: "there is no backup key", hint: "give one: dtm state rekey --backup-key FILE\(options.suffix)")
        }
        let backup = Backup(
            instance: store.instance, generation: store.generation, writtenAt: WallClock().now(), content: content)
        return try BackupFolder(place, openPGP: RNPProvider())
            .write(backup, to: try OpenPGPPublicKey(key, requireEncryption: true), keeping: .standard).written.name
    }
}

struct StateRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a state of a backup, on this machine or a new one.",
        discussion: """
            Reads what gpg makes of a backup: gpg --decrypt FILE.pgp | dtm state restore --from -. Tunnels, policies, \
            identities and the authority are as they were, so remote clients stay valid. Needs key slots, as dtm state init \
            does.
            """)

    @Option(help: ArgumentHelp("The decrypted backup; - is standard input.", valueName: "file"), completion: .file())
    var from: String
    @Option(
        name: .customLong("passphrase-file"),
        help: ArgumentHelp("Take the new passphrase from the first line of this file.", valueName: "file"),
        completion: .file())
    var passphraseFile: String?
    @OptionGroup var slots: NewSlotOptions
    @OptionGroup var options: StateHomeOptions

    func run() async throws {
        try await options.work(alone: true) { place in
            let source = from == "-" ? "standard input" : shown(from)
            let backup = try Backup(decrypted: try read(source), from: source)
            let store = try SealedStore.create(
                at: place, content: backup.content, slots: try slots.slots(passphraseFile: passphraseFile),
                openPGP: RNPProvider(), now: WallClock().now())
            try options.print(StateChangeReport(generation: store.generation)) { _ in
                [
                    "restored generation \(backup.generation) of \(backup.instance), written \(backup.writtenAt.rfc3339)",
                    "It is generation \(store.generation) of the instance \(store.instance) here.",
                    "If the old machine may still run or be in other hands: revoke what it knew, dtm certs rotate --authority",
                ]
            }
        }
    }

    /// Whole, into protected memory.
    private func read(_ source: String) throws -> SecretBytes {
        if from == "-" { return try read(STDIN_FILENO, source) }
        return try SecretFile.withDescriptor(of: from) { try read($0, source) }
    }

    private func read(_ descriptor: Int32, _ source: String) throws -> SecretBytes {
        var length = 0
        let whole = try SecretBytes(count: SecretBytes.maximumCount) { buffer in
            while length < buffer.count {
                let count = Glibc.read(descriptor, buffer.baseAddress.map { $0 + length }, buffer.count - length)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                length += count
            }
        }
        guard length > 0 else {
            throw CommandFailure(
                message: "\(source) is empty", hint: "gpg --decrypt FILE.pgp | dtm state restore --from -")
        }
        let count = length
        return try whole.prefix(count)
    }
}

struct StateRecoverySheetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-recovery-sheet",
        abstract: "Print what it takes to get the state back, without any secret.",
        discussion: "For paper, or for the place where the backup key's secret half is.")

    @OptionGroup var options: StateHomeOptions

    func run() async throws {
        try await options.work { place in
            let (slots, _, instance) = try SealedStore.slots(at: place, openPGP: RNPProvider())
            let lines = StateView.recoverySheet(instance: "\(instance)", place: place, slots: slots, host: Self.host())
            try options.print(RecoverySheetReport(text: lines.joined(separator: "\n"))) { _ in lines }
        }
    }

    private static func host() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "this host" }
        return shown(String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
}

extension BackupRetention {
    /// As the configuration's defaults have it.
    static let standard = Self(count: 30, age: .seconds(90 * 86_400))
}
