import ArgumentParser
import DTMAPI
import DTMCommands
import DTMCore
import DTMState
import DTMText

/// `dtm state`: works on the files of a home, without a manager.
struct StateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state", abstract: "Keep the manager's state across restarts, sealed.",
        discussion: """
            Without sealed state a manager forgets its keys, certificates and tunnels at its end. With it, all of that is \
            kept in OpenPGP files that only a key slot opens: a passphrase, or the operator's OpenPGP key.
            """,
        subcommands: [
            StateInitCommand.self, StateStatusCommand.self, StateVerifyCommand.self, StateRecoverCommand.self,
            StateBackupCommand.self, StateRestoreCommand.self, StateSlotsCommand.self, StateRekeyCommand.self,
            StateRecoverySheetCommand.self,
        ])
}

struct StateInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a sealed state; the next manager keeps its things in it.",
        discussion: "Needs two key slots of different kinds, or --single-slot.")

    @Option(
        name: .customLong("passphrase-file"),
        help: ArgumentHelp("Take the passphrase from the first line of this file.", valueName: "file"),
        completion: .file())
    var passphraseFile: String?
    @OptionGroup var slots: NewSlotOptions
    @Option(
        name: .customLong("backup-key"),
        help: ArgumentHelp(
            "Make backups, encrypted to this OpenPGP public key. Its secret half belongs on another machine.",
            valueName: "file"), completion: .file())
    var backupKey: String?
    @OptionGroup var options: StateHomeOptions

    func run() async throws {
        try await options.work(alone: true) { place in
            var content = StateContent()
            if let backupKey {
                content.set(StateContent.backupKeySection, .bytes(try NewSlotOptions.key(backupKey).bytes))
            }
            let store = try SealedStore.create(
                at: place, content: content, slots: try slots.slots(passphraseFile: passphraseFile),
                openPGP: RNPProvider(), now: WallClock().now())
            let summaries = try SealedStore.slots(at: place, openPGP: RNPProvider()).slots
            try options.print(
                StateInitReport(
                    instance: "\(store.instance)", state: place.state, generation: store.generation,
                    slots: summaries.map(SlotReport.init), backups: backupKey != nil)
            ) { style in
                ["\(style.paint("sealed", .green)) \(place.state), generation \(store.generation)"]
                    + StateView.slots(summaries)
                    + [
                        backupKey == nil
                            ? "Nothing is backed up: dtm state init takes --backup-key FILE, and dtm state rekey does too."
                            : "Backups go to \(place.backups), each time something changed and once a day.",
                        "Print what it takes to get it back, and keep it elsewhere: dtm state export-recovery-sheet"
                            + options.suffix,
                    ]
            }
        }
    }
}

struct StateStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how state is kept, and what opens it.",
        discussion: "Needs no key, and works beside a manager.")

    @OptionGroup var options: StateHomeOptions

    func run() async throws {
        try await options.work { place in
            guard place.isSealed else {
                return try options.print(StateStatusReport(mode: "ephemeral")) { _ in
                    [
                        "ephemeral: keys, certificates and tunnels are forgotten when the manager ends, and nothing is backed up",
                        "Keep them: stop the manager, then dtm state init\(options.suffix)",
                    ]
                }
            }
            let (slots, problems, instance) = try SealedStore.slots(at: place, openPGP: RNPProvider())
            let generations = try SealedStore.generations(at: place)
            let backups = (try? BackupFolder(place, openPGP: RNPProvider()).entries()) ?? []
            let report = StateStatusReport(
                mode: "sealed", instance: "\(instance)", generation: generations.last, kept: generations,
                slots: slots.map(SlotReport.init), backups: backups.map(BackupReport.init),
                problems: problems.map(\.message) + (try SealedStore.hasWitness(at: place) ? [] : [StateView.noWitness])
            )
            try options.print(report) { style in StateView.status(report, slots, place, style) }
        }
    }
}

struct StateVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check every file of the state, its chain and its audit trail.",
        discussion: "Changes nothing, and works beside a manager. Exits with 1 when something is wrong.")

    @OptionGroup var unlock: UnlockOptions
    @OptionGroup var options: StateHomeOptions

    func run() async throws {
        try await options.work { place in
            let (findings, content) = try SealedStore.verify(
                at: place, unlockedBy: try unlock.secret(for: place), openPGP: RNPProvider())
            var problems = findings.problems.map(\.message)
            var audit: AuditTrail?
            do throws(StateError) {
                if let bytes = content?.bytes("audit") { audit = try AuditTrail(bytes) }
            } catch {
                problems.append(error.message)
            }
            let report = StateVerifyReport(findings, problems: problems, audit: audit)
            try options.print(report) { style in StateView.verification(report, style) }
            if !report.whole { throw ExitCode(ExitStatus.failed) }
        }
    }
}

struct StateRecoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover", abstract: "Go back to an older generation that is whole.",
        discussion: "What is newer is set aside, not removed. dtm state verify says which generations are whole.")

    @Option(help: ArgumentHelp("The generation to go back to.", valueName: "number"))
    var generation: UInt64
    @OptionGroup var unlock: UnlockOptions
    @OptionGroup var options: StateHomeOptions

    func run() async throws {
        try await options.work(alone: true) { place in
            let (store, _) = try SealedStore.recover(
                generation: generation, at: place, unlockedBy: try unlock.secret(for: place), openPGP: RNPProvider(),
                now: WallClock().now())
            try options.print(StateChangeReport(generation: store.generation)) { _ in
                ["generation \(generation) is in force again, saved as generation \(store.generation)"]
            }
        }
    }
}

struct StateRekeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rekey", abstract: "Seal the state under a new root key with new key slots.",
        discussion: """
            For when somebody may know a passphrase, or an operator's key is lost. Backups and copies made before are \
            opened by what opened them before.
            """)

    @OptionGroup var unlock: UnlockOptions
    @Option(
        name: .customLong("new-passphrase-file"),
        help: ArgumentHelp("Take the new passphrase from the first line of this file.", valueName: "file"),
        completion: .file())
    var newPassphraseFile: String?
    @OptionGroup var slots: NewSlotOptions
    @Option(
        name: .customLong("backup-key"),
        help: ArgumentHelp("Encrypt backups to this OpenPGP public key from now on.", valueName: "file"),
        completion: .file())
    var backupKey: String?
    @OptionGroup var options: StateHomeOptions

    func run() async throws {
        try await options.work(alone: true) { place in
            var (store, content) = try unlock.open(place, alone: true)
            if let backupKey {
                content.set(StateContent.backupKeySection, .bytes(try NewSlotOptions.key(backupKey).bytes))
            }
            // A baseline that can't be read is learnt again: it is no reason to stay with the old key.
            try SealedStore.rekey(
                content, at: place, slots: try slots.slots(passphraseFile: newPassphraseFile),
                baselines: (try? store.baselines()) ?? nil, openPGP: RNPProvider(), now: WallClock().now())
            let summaries = try SealedStore.slots(at: place, openPGP: RNPProvider()).slots
            try options.print(StateChangeReport(generation: 1)) { _ in
                ["sealed anew, generation 1 of a new instance"] + StateView.slots(summaries)
            }
        }
    }
}

struct StateSlotsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slots", abstract: "Add and remove ways to open the state.",
        subcommands: [StateSlotsAddCommand.self, StateSlotsRemoveCommand.self])
}

struct StateSlotsAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a key slot.", discussion: "Works beside a manager.")

    @OptionGroup var unlock: UnlockOptions
    @Option(
        name: .customLong("new-passphrase-file"),
        help: ArgumentHelp("Take the new passphrase from the first line of this file.", valueName: "file"),
        completion: .file())
    var newPassphraseFile: String?
    @OptionGroup var slots: NewSlotOptions
    @OptionGroup var options: StateHomeOptions

    func run() async throws {
        try await options.work { place in
            let (store, _) = try unlock.open(place)
            var wanted = slots
            // One more is one more.
            wanted.singleSlot = true
            var ids: [String] = []
            for slot in try wanted.slots(passphraseFile: newPassphraseFile) {
                ids.append("\(try store.addSlot(slot, at: WallClock().now()))")
            }
            try options.print(SlotsChangeReport(added: ids, removed: [])) { _ in ids.map { "added key slot \($0)" } }
        }
    }
}

struct StateSlotsRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a key slot; never the last one.",
        discussion: """
            Whoever has a copy of the slot's file and its secret can still open copies of the state made before: dtm state \
            rekey ends that for what is written from then on.
            """)

    @Argument(help: ArgumentHelp("The slot's name, as dtm state status shows it.", valueName: "slot"))
    var slot: String
    @OptionGroup var unlock: UnlockOptions
    @OptionGroup var options: StateHomeOptions

    func run() async throws {
        try await options.work { place in
            guard let id = SlotID(slot) else {
                throw CommandFailure(
                    message: "\(shown(slot)) is no slot's name: 8 hexadecimal digits",
                    hint: "dtm state status shows them")
            }
            let (store, _) = try unlock.open(place)
            try store.removeSlot(id)
            try options.print(SlotsChangeReport(added: [], removed: [slot])) { _ in ["removed key slot \(slot)"] }
        }
    }
}
