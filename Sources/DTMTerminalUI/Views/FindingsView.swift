import DTMAPI
import DTMText

/// What was found out, how bad it is, and what was or would be done.
enum FindingsView {
    static func draw(_ model: ConsoleModel, into grid: inout Grid) {
        let top = ConsoleView.top
        guard !model.list.rows.isEmpty else {
            grid.note([Line("Nothing was found.", .good)], top: top + 1, glyphs: model.canvas.glyphs)
            return
        }
        var list = model.list
        list.scroll(height: ConsoleView.listRows(model))
        let all = Dictionary((model.data.findings?.findings ?? []).map { ($0.id, $0) }) { first, _ in first }
        let findings = list.rows[list.offset...].prefix(ConsoleView.listRows(model)).compactMap {
            row -> FindingReport? in
            guard case .finding(let id) = row else { return nil }
            return all[id]
        }
        let figures = Figures(glyphs: model.canvas.glyphs, now: model.managerTime)
        Table<FindingReport>(
            columns: [
                .init("RISK", 4, priority: 0, trailing: true) { finding, _ in figures.risk(finding.risk) },
                .init("WHEN", 11, priority: 3) { finding, _ in figures.relative(finding.time) },
                .init("ABOUT", 12, 22, priority: 2) { finding, _ in
                    Line(shown(finding.tunnel ?? finding.app ?? figures.glyphs.unknown))
                },
                .init("FINDING", 24, 70, priority: 1) { finding, _ in Line(shown(finding.title)) },
                .init("BY", 8, priority: 5) { finding, _ in Line(shown(finding.source), .dim) },
                .init("ACTION", 12, 50, priority: 4) { finding, _ in
                    (finding.action ?? finding.advice).map { Line(shown($0)) } ?? figures.unknown
                },
            ], glyphs: figures.glyphs
        ).draw(findings, selected: list.index - list.offset, into: &grid, top: top)
    }

    /// How many, and what they come to.
    static func summary(_ model: ConsoleModel) -> Line {
        guard let risk = model.data.findings?.risk else { return FooterView.filterSummary(model) }
        let role: Role = risk.machine >= risk.threshold ? .bad : risk.machine * 2 >= risk.threshold ? .warning : .good
        let machine: Line = [
            Span("risk of this machine ", .dim), Span("\(risk.machine)", role), Span(" of 100  ", .dim),
        ]
        let total = model.data.findings?.total ?? 0
        let rest = total - (model.data.findings?.findings.count ?? 0)
        return machine + FooterView.filterSummary(model)
            + Line(rest > 0 ? "  and \(rest) less risky: dtm findings" : "", .dim)
    }

    static func page(_ id: String, _ model: ConsoleModel, _ figures: Figures) -> Page {
        var page = Page(width: model.canvas.columns, glyphs: figures.glyphs)
        guard let finding = model.data.findings?.findings.first(where: { $0.id == id }) else {
            page.add(Block("Finding", [Line("It is not there any more.", .dim)]))
            return page
        }
        var facts: [(name: String, value: Line)] = [
            ("title", Line(shown(finding.title), .strong)), ("risk", figures.risk(finding.risk)),
            ("verdict", Line(shown(finding.verdict))), ("when", figures.relative(finding.time)),
        ]
        if let count = finding.count, count > 1, let since = finding.since {
            facts.append(("times", Line("\(count), first ") + figures.relative(since)))
        }
        facts += [
            ("tunnel", finding.tunnel.map { Line(shown($0)) } ?? figures.unknown),
            ("application", finding.app.map { Line(shown($0)) } ?? figures.unknown),
        ]
        if let subject = finding.subject { facts.append(("who", Line(shown(subject)))) }
        facts.append(("found by", Line(shown(finding.source) + (finding.code.map { " \(shown($0))" } ?? ""))))
        facts.append(("action", finding.action.map { Line(shown($0)) } ?? figures.unknown))
        if let advice = finding.advice { facts.append(("to do", Line(shown(advice)))) }
        if let wrong = finding.wrongWhen { facts.append(("wrong when", Line(shown(wrong), .dim))) }
        page.add(.facts("Finding", facts, glyphs: figures.glyphs))
        page.add(Block("Evidence", finding.evidence.map { Line(shown($0)) }))
        return page
    }

    /// What stands here while the manager looks for nothing.
    static func unavailable(_ model: ConsoleModel) -> Page {
        var page = Page(width: model.canvas.columns, glyphs: model.canvas.glyphs)
        let analysis = model.data.status.map { $0.analysis ? "on" : "off" } ?? model.canvas.glyphs.unknown
        page.add(
            Block(
                "Findings and analysis",
                [
                    Line("Not available yet: this version records what happens and judges none of it.", .strong),
                    Line("Decoys that are touched, refused and bypassing connections are told under 5 Events.", .dim),
                    Line("Analysis is switched \(analysis); A switches it. It has no effect yet.", .dim),
                ]))
        return page
    }
}
