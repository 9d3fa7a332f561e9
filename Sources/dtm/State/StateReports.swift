import DTMAPI
import DTMCommands
import DTMCore
import DTMState
import DTMText

/// What `dtm state … --json` prints.
struct SlotReport: Encodable {
    var id: String
    var kind: String
    var label: String
    var detail: String
    var createdAt: String

    init(_ slot: SlotSummary) {
        id = "\(slot.id)"
        kind = slot.kind
        label = slot.label
        detail = slot.detail
        createdAt = slot.createdAt.rfc3339
    }
}

struct BackupReport: Encodable {
    var file: String
    var generation: UInt64
    var writtenAt: String

    init(_ entry: BackupFolder.Entry) {
        file = entry.name
        generation = entry.generation
        writtenAt = entry.writtenAt.rfc3339
    }
}

struct StateInitReport: Encodable {
    var schemaVersion = apiSchemaVersion
    var instance: String
    var state: String
    var generation: UInt64
    var slots: [SlotReport]
    var backups: Bool
}

struct StateStatusReport: Encodable {
    var schemaVersion = apiSchemaVersion
    var mode: String
    var instance: String?
    var generation: UInt64?
    var kept: [UInt64] = []
    var slots: [SlotReport] = []
    var backups: [BackupReport] = []
    var problems: [String] = []
}

struct StateVerifyReport: Encodable {
    struct Generation: Encodable {
        var generation: UInt64
        var writtenAt: String?
        var bytes: UInt64?
        var committed: Bool
        /// `state.` and a code; null when it is whole.
        var code: String?
        var problem: String?
    }

    var schemaVersion = apiSchemaVersion
    var whole: Bool
    var instance: String
    var generations: [Generation]
    var witness: Bool
    /// How many entries of the audit trail were checked.
    var auditEntries: Int?
    var problems: [String]

    init(_ findings: StateFindings, problems: [String], audit: AuditTrail?) {
        whole = findings.isWhole && problems.isEmpty
        instance = "\(findings.instance)"
        generations = findings.generations.map { finding in
            Generation(
                generation: finding.generation, writtenAt: finding.writtenAt?.rfc3339, bytes: finding.length,
                committed: finding.isCommitted, code: finding.problem?.codeName, problem: finding.problem?.message)
        }
        witness = findings.hasWitness
        auditEntries = audit?.entries.count
        self.problems = problems
    }
}

struct StateChangeReport: Encodable {
    var schemaVersion = apiSchemaVersion
    var generation: UInt64
}

struct SlotsChangeReport: Encodable {
    var schemaVersion = apiSchemaVersion
    var added: [String]
    var removed: [String]
}

struct RecoverySheetReport: Encodable {
    var schemaVersion = apiSchemaVersion
    var text: String
}

/// `dtm state …` for people.
enum StateView {
    static let noWitness = "witness.pgp is missing: an older state that was put in its place would not be noticed"

    static func slots(_ slots: [SlotSummary]) -> [String] {
        slots.map { "  key slot \($0.id)  \($0.kind)  \(shown($0.label))  \(shown($0.detail)), opened by \($0.need)" }
    }

    static func status(
        _ report: StateStatusReport, _ slots: [SlotSummary], _ place: StatePlace, _ style: TextStyle
    ) -> [String] {
        let kept = report.kept.map { String($0) }.joined(separator: ", ")
        return ["\(style.paint("sealed", .green)) \(place.state), instance \(report.instance ?? "")"]
            + ["  generation \(report.generation.map { String($0) } ?? "none"), kept: \(kept)"] + self.slots(slots)
            + [
                report.backups.last.map {
                    "  \(report.backups.count) backups, the newest of generation \($0.generation), \($0.writtenAt)"
                } ?? "  no backups"
            ] + report.problems.map { style.paint("  \(shown($0))", .red) }
    }

    static func verification(_ report: StateVerifyReport, _ style: TextStyle) -> [String] {
        report.generations.map { generation in
            let name = "generation \(generation.generation)"
            if let problem = generation.problem { return style.paint("\(name): \(shown(problem))", .red) }
            guard generation.committed else { return "\(name): its saving was cut short; it does not count" }
            return
                "\(name): \(style.paint("whole", .green)), \(generation.bytes ?? 0) bytes, \(generation.writtenAt ?? "")"
        }
            + [report.witness ? "witness: agrees, or is told of below" : style.paint(noWitness, .yellow)]
            + [report.auditEntries.map { "audit trail: \($0) entries, their chain is whole" }].compactMap { $0 }
            + report.problems.map { style.paint(shown($0), .red) }
            + [report.whole ? style.paint("All of it is whole.", .green) : style.paint("Not all of it is whole.", .red)]
    }

    static func recoverySheet(instance: String, place: StatePlace, slots: [SlotSummary], host: String) -> [String] {
        [
            "DTM recovery sheet", "", "Host       \(host)", "Home       \(shown(place.home))", "Instance   \(instance)",
            "",
            "What opens the state:",
        ] + self.slots(slots) + [
            "", "On this machine, with the passphrase:", "  dtm up --home \(shellQuoted(place.home))",
            "With the operator's OpenPGP key:",
            "  gpg --decrypt \(shellQuoted(place.state))/slots/SLOT.key.pgp | dtm up --home \(shellQuoted(place.home)) --passphrase-file /dev/stdin",
            "", "If the newest generation is damaged:", "  dtm state verify", "  dtm state recover --generation N", "",
            "On a new machine, from a backup and the backup key:",
            "  gpg --decrypt dtm-GENERATION-TIME.pgp | dtm state restore --from - --passphrase-file FILE --operator-key FILE",
            "", "Afterwards: dtm certs rotate --authority, if the old machine may be in other hands.",
            "This sheet holds no secret.",
        ]
    }
}
