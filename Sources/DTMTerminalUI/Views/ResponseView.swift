import DTMAPI
import DTMCore
import DTMText

/// What is done about findings, and what waits for a person to be done.
enum ResponseView {
    /// What a rung of the ladder does; nil for one that this console does not know.
    static func words(for rung: String) -> String? {
        switch rung {
        case "rotate": "the tunnel's endpoint moves now"
        case "raise-decoys": "the tunnel has more decoys"
        case "throttle": "one new connection a second, what is open goes on"
        case "quarantine": "live connections are cut, new ones refused"
        case "revoke": "the identity is revoked; that can't be taken back"
        case "stop-application": "the program is ended; that can't be taken back"
        default: nil
        }
    }

    /// Whether it waits, is in force, or is on its way between.
    static func state(_ response: ResponseList.Entry) -> Line {
        switch response.state {
        case "proposed": Line("waits", .warning)
        case "active": Line("in force", .strong)
        default: Line(shown(response.state), .dim)
        }
    }

    /// When it ends by itself.
    static func end(_ response: ResponseList.Entry, _ figures: Figures) -> Line {
        guard let expires = response.expires else { return figures.unknown }
        return Line("\(response.isPending ? "lapses" : "ends") ", .dim) + figures.relative(expires)
    }

    /// In the list of findings.
    static func title(_ response: ResponseList.Entry) -> Line {
        state(response) + Line(": \(shown(response.rung)) of \(shown(response.subject))")
    }

    /// What is done as a whole: the mode, how many wait, and whether all of it is stopped.
    static func summary(_ model: ConsoleModel) -> Line {
        guard let list = model.data.responses else { return .empty }
        if list.stopped { return Line("responses are stopped: X resumes them  ", .bad) }
        let waiting: [Span] =
            list.pending.isEmpty
            ? [] : [Span(", "), Span("\(Quantity.count(list.pending.count, "response")) waiting", .warning)]
        let rest = list.omitted.map { [Span(", \($0) more: dtm respond list", .dim)] } ?? []
        return Line([Span("mode \(shown(list.mode))", .dim)] + waiting + rest + [Span("  ")])
    }

    /// What is done about one finding.
    static func block(about finding: FindingReport, _ model: ConsoleModel, _ figures: Figures) -> Block? {
        guard let list = model.data.responses else { return nil }
        let found = model.data.responses(about: finding)
        var lines: [Line] = list.stopped ? [Line("Responses are stopped: X resumes them.", .bad)] : []
        if found.isEmpty {
            lines.append(Line("Nothing waits and nothing is in force.", .dim))
        } else {
            var table = TextColumns(titles: ["ID", "STATE", "RESPONSE", "ENDS", "WHAT IT DOES"])
            table.rows = found.map { response in
                [
                    Line(shown(response.id), .accent), state(response), Line(shown(response.rung)),
                    response.expires.map { figures.relative($0) } ?? figures.unknown,
                    Line(words(for: response.rung) ?? "", .dim),
                ]
            }
            lines += table.lines()
        }
        return Block("Responses", lines)
    }

    static func page(_ id: String, _ model: ConsoleModel, _ figures: Figures) -> Page {
        var page = Page(width: model.canvas.columns, glyphs: figures.glyphs)
        guard let response = model.data.response(id) else {
            page.add(
                Block(
                    "Response \(shown(id))",
                    [
                        Line("It is over, or was put away.", .strong),
                        Line("dtm respond list tells how it ended. Esc goes back.", .dim),
                    ]))
            return page
        }
        var facts: [(name: String, value: Line)] = [
            ("response", Line(shown(response.rung), .strong)), ("state", state(response)),
        ]
        if let words = words(for: response.rung) { facts.append(("does", Line(words))) }
        facts += [
            ("against", Line(shown(response.subject))),
            ("tunnel", response.tunnel.map { Line(shown($0)) } ?? figures.unknown),
            ("because", Line(shown(response.reason))),
            (response.isPending ? "proposed" : "since", figures.relative(response.since)),
            (response.isPending ? "lapses" : "ends", response.expires.map { figures.relative($0) } ?? figures.unknown),
        ]
        if model.maySteer {
            facts.append(
                (
                    "keys",
                    Line(
                        response.isPending ? "a approves it, d puts it away" : "u takes it back before its time", .dim)
                ))
        }
        page.add(.facts("Response \(shown(id))", facts, glyphs: figures.glyphs))
        if model.data.responses?.stopped == true {
            page.add(Block("Stopped", [Line("Nothing acts before X resumes responses.", .bad)]))
        }
        return page
    }
}
