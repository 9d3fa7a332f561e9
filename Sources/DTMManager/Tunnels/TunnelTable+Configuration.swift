import DTMCore
import DTMPlan
import DTMSecrets

/// What a new configuration makes of the table.
struct TableChange: Sendable {
    var table: TunnelTable
    var added: [TunnelID] = []
    var changed: [TunnelID] = []
    var removed: [TunnelRecord] = []
}

extension TunnelTable {
    /// The table as `drafts`, the configuration's tunnels, and `defaults` want it. Tunnels that were made by other
    /// means stay; one that leads to the same target under the same name is taken over.
    ///
    /// - Parameters:
    ///   - newID: Draws the id of a tunnel that is new.
    ///   - newRoot: Draws its secret.
    /// - Throws: What the first tunnel that can't be had says; nothing has changed then.
    func applying(
        _ drafts: [TunnelDraft], defaults: TunnelDefaults, newID: () -> TunnelID = TunnelID.random,
        newRoot: () throws(ManagerError) -> SharedSecret
    ) throws(ManagerError) -> TableChange {
        var change = TableChange(table: TunnelTable(defaults: defaults))
        let wanted = Set(drafts.map(\.name))
        for record in sorted where record.draft.origin != .configuration && !wanted.contains(record.name) {
            try change.table.keep(record, as: record.draft)
        }
        for draft in drafts {
            guard let id = id(of: draft.name), let old = self[id] else {
                let id = newID()
                try change.table.add(draft, id: id, root: try newRoot())
                change.added.append(id)
                continue
            }
            guard old.draft.origin == .configuration || old.draft.target == draft.target else {
                throw Self.nameInUse(old)
            }
            try change.table.keep(old, as: draft)
        }
        change.removed = sorted.filter { change.table[$0.id] == nil }
        change.changed = sorted.filter { old in
            change.table[old.id].map { $0.settings != old.settings || $0.draft.target != old.draft.target } ?? false
        }.map(\.id)
        return change
    }

    /// Adds a record under a draft of its own name, with what is known of its target as far as that is the same.
    private mutating func keep(_ record: TunnelRecord, as draft: TunnelDraft) throws(ManagerError) {
        var draft = draft
        if draft.target == record.draft.target {
            draft.ownerUID = draft.ownerUID ?? record.draft.ownerUID
            draft.application = draft.application ?? record.draft.application
        }
        try add(draft, id: record.id, root: record.root)
        update(record.id) { kept in
            kept.generation = record.generation
            kept.keyGeneration = record.keyGeneration
            kept.raisedDecoys = record.raisedDecoys
            kept.observed = record.observed
            if draft.target == record.draft.target {
                kept.destination = record.destination
                kept.resolutionProblem = record.resolutionProblem
            } else {
                kept.observed.targetProblem = nil
            }
        }
    }

    private static func nameInUse(_ other: TunnelRecord) -> ManagerError {
        ManagerError(
            .tunnelNameTaken,
            "tunnels[] of the configuration has a tunnel \(other.name), and dtm protect made another one of that name, to "
                + "\(other.draft.target)",
            hint: "remove that one with dtm unprotect \(other.name), then reload")
    }
}

extension TunnelRegistry {
    /// Makes the configuration's tunnels true. Those whose targets have names wait for ``resolved(_:_:)``.
    ///
    /// - Throws: Why they can't be had together; nothing has changed then.
    func apply(_ drafts: [TunnelDraft], defaults: TunnelDefaults) throws(ManagerError) {
        let change = try table.applying(drafts, defaults: defaults, newRoot: Self.freshRoot)
        table = change.table
        for record in table.records.values where record.destination == nil {
            table.update(record.id) { $0.destination = TargetResolver.literalDestination(of: record.draft.target) }
        }
        announce(change)
        commit()
        for id in change.changed { notify(id) }
        for record in change.removed { forget(record.id) }
        changes.notify()
    }

    private func announce(_ change: TableChange) {
        let kinds = [(change.added, Event.Kind.tunnelAdded), (change.changed, Event.Kind.tunnelChanged)]
        for (ids, kind) in kinds {
            for record in ids.compactMap({ table[$0] }) { announce(record, kind) }
        }
        for record in change.removed { announce(record, Event.Kind.tunnelRemoved) }
    }

    private func announce(_ record: TunnelRecord, _ kind: String) {
        recorder.record(
            kind, .notice, tunnel: record.name, app: record.draft.application,
            ["target": .string(record.draft.target.description), "origin": .string(record.draft.origin.rawValue)])
    }
}
