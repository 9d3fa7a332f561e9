import DTMAPI
import DTMCore
import DTMText

/// How well the manager itself is protected, and what tried to get through.
enum SecurityView {
    static func page(_ model: ConsoleModel, _ figures: Figures) -> Page {
        var page = Page(width: model.canvas.columns, glyphs: figures.glyphs)
        let problems = model.data.status?.degraded ?? []
        if !problems.isEmpty { page.add(Block("Not all is well", problems.map { Line(shown($0), .bad) })) }
        page.add([memory(model, figures)], beside: [state(model, figures)])
        page.add([certificates(model, figures)], beside: [attempts(model, figures)])
        page.add(doctor(model))
        return page
    }

    private static func memory(_ model: ConsoleModel, _ figures: Figures) -> Block {
        guard let status = model.data.status else { return Block("Memory for secrets", [figures.unknown]) }
        guard let protection = status.memory.protection else {
            return Block("Memory for secrets", [Line("Not told by this manager.", .dim)])
        }
        var facts: [(name: String, value: Line)] = [
            ("policy", Line(shown(protection.policy))),
            ("control", kind(protection.control)),
            ("data plane", protection.dataPlane.map(kind) ?? figures.unknown),
            ("locked", figures.bytes(status.memory.lockedBytes)),
        ]
        if let reason = protection.reason { facts.append(("why not secret", Line(shown(reason), .warning))) }
        facts.append(
            (
                "lapses",
                protection.lapses.isEmpty
                    ? Line("none", .good) : Line(protection.lapses.map(shown).joined(separator: "; "), .bad)
            ))
        return .facts("Memory for secrets", facts, glyphs: figures.glyphs)
    }

    private static func kind(_ kind: String) -> Line {
        switch kind {
        case "secret": Line("secret: the kernel itself can't read it", .good)
        case "locked": Line("locked: never swapped, left out of core files", .warning)
        default: Line(shown(kind))
        }
    }

    private static func state(_ model: ConsoleModel, _ figures: Figures) -> Block {
        guard let mode = model.data.status?.state.mode else { return Block("State", [figures.unknown]) }
        guard mode == "sealed" else {
            return Block(
                "State",
                [
                    Line("ephemeral", .strong), Line("Keys, certificates and tunnels end with the manager."),
                    Line("Nothing is backed up. dtm state init keeps them, encrypted.", .dim),
                ])
        }
        guard let state = model.data.state else { return Block("State", [Line("sealed", .good)]) }
        let backups: Line =
            switch state.backups {
            case true?: state.lastBackup.map { figures.relative($0) } ?? Line("none since the start", .warning)
            case false?: Line("none are made: there is no backup key", .warning)
            case nil: figures.unknown
            }
        var facts: [(name: String, value: Line)] = [
            ("mode", Line("sealed: kept encrypted across restarts", .good)),
            ("generation", state.generation.map { Line(String($0)) } ?? figures.unknown),
            ("saved", figures.relative(state.savedAt)), ("last backup", backups),
        ]
        if let failure = state.failure { facts.append(("last save", Line(shown(failure), .bad))) }
        for weakening in state.weakenings { facts.append(("weakened", Line(shown(weakening), .warning))) }
        return .facts("State", facts, glyphs: figures.glyphs)
    }

    private static func certificates(_ model: ConsoleModel, _ figures: Figures) -> Block {
        guard let list = model.certificates else { return Block("Certificates", [Line("Being asked for.", .dim)]) }
        var table = TextColumns(titles: ["ROLE", "TUNNEL", "ISSUED", "ENDS", "STATUS"])
        let order = ["authority": 0, "listener": 1, "client": 2, "probe": 3]
        let valid = list.certificates.filter { $0.status != "expired" }
            .sorted {
                (order[$0.role] ?? 4, $0.tunnel ?? "", $0.serial) < (order[$1.role] ?? 4, $1.tunnel ?? "", $1.serial)
            }
        for entry in valid.prefix(12) {
            table.rows.append([
                Line(shown(entry.role)), entry.tunnel.map { Line(shown($0), .strong) } ?? figures.unknown,
                figures.relative(entry.notBefore), figures.relative(entry.notAfter),
                Line(shown(entry.status), entry.status == "valid" ? .good : .warning),
            ])
        }
        let rest = valid.count - min(12, valid.count)
        return Block(
            "Certificates (\(valid.count))",
            table.lines() + (rest > 0 ? [Line("and \(rest) more: dtm certs list", .dim)] : []))
    }

    private static func attempts(_ model: ConsoleModel, _ figures: Figures) -> Block {
        let kinds: [(kind: String, name: String)] = [
            (Event.Kind.decoyTouched, "decoys touched"), (Event.Kind.handshakeFailed, "handshakes failed"),
            (Event.Kind.connectionRefused, "connections refused"), (Event.Kind.connectDenied, "identities denied"),
            (Event.Kind.programRefused, "programs refused"), (Event.Kind.tunnelBypassed, "direct connections"),
            (Event.Kind.identityMisused, "identities misused"), (Event.Kind.listenerTakenOver, "listeners taken over"),
            (Event.Kind.squatterFound, "squatters found"), (Event.Kind.protectionLost, "protections lost"),
        ]
        var counts: [String: (count: Int64, last: String)] = [:]
        for event in model.data.events {
            guard kinds.contains(where: { $0.kind == event.kind }) else { continue }
            let times = event.detail["count"].flatMap { Int64($0.description) } ?? 1
            counts[event.kind] = ((counts[event.kind]?.count ?? 0) + max(1, times), event.time)
        }
        let facts = kinds.map { kind -> (name: String, value: Line) in
            guard let found = counts[kind.kind] else { return (kind.name, Line("none", .dim)) }
            return (kind.name, Line("\(found.count)", .warning) + Line("  last ", .dim) + figures.relative(found.last))
        }
        return .facts("Attempts, as far as events are remembered", facts, glyphs: figures.glyphs)
    }

    private static func doctor(_ model: ConsoleModel) -> Block {
        guard let report = model.doctor else { return Block("Doctor", [Line("Being asked for.", .dim)]) }
        let failed = report.checks.filter(\.isFailure)
        guard !failed.isEmpty else {
            return Block("Doctor", [Line("\(Quantity.count(report.checks.count, "check")), all is well.", .good)])
        }
        return Block(
            "Doctor: \(failed.count) of \(Quantity.count(report.checks.count, "check")) failed",
            failed.flatMap { check -> [Line] in
                let role: Role = check.severity == "error" ? .bad : check.severity == "warning" ? .warning : .dim
                return [
                    [Span("\(shown(check.title)): ", role), Span(shown(check.detail))],
                    [Span("  mend: ", .dim), Span(shown(check.mend), .dim)],
                ]
            })
    }
}
