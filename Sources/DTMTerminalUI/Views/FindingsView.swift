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
        let rows = rows(model.data, list.rows[list.offset...].prefix(ConsoleView.listRows(model)))
        let figures = Figures(glyphs: model.canvas.glyphs, now: model.managerTime)
        Table<Row>(columns: columns(figures), glyphs: figures.glyphs)
            .draw(rows, selected: list.index - list.offset, into: &grid, top: top)
    }

    /// What is done stands before what was found.
    private enum Row {
        case response(ResponseList.Entry)
        case finding(FindingReport)
    }

    private static func rows(_ data: LiveData, _ ids: some Sequence<RowID>) -> [Row] {
        let all = Dictionary((data.findings?.findings ?? []).map { ($0.id, $0) }) { first, _ in first }
        return ids.compactMap { id in
            switch id {
            case .response(let id): data.response(id).map(Row.response)
            case .finding(let id): all[id].map(Row.finding)
            default: nil
            }
        }
    }

    private static func columns(_ figures: Figures) -> [TableColumn<Row>] {
        func column(
            _ title: String, _ least: Int, _ most: Int? = nil, priority: Int, trailing: Bool = false,
            _ finding: @escaping (FindingReport) -> Line, _ response: @escaping (ResponseList.Entry) -> Line
        ) -> TableColumn<Row> {
            .init(title, least, most, priority: priority, trailing: trailing) { row, _ in
                switch row {
                case .finding(let report): finding(report)
                case .response(let entry): response(entry)
                }
            }
        }
        return [
            column("RISK", 4, 6, priority: 0, trailing: true) {
                figures.risk($0.risk)
            } _: {
                Line(shown($0.id), .accent)
            },
            column("WHEN", 11, priority: 3) {
                figures.relative($0.time)
            } _: {
                figures.relative($0.since)
            },
            column("ABOUT", 12, 22, priority: 2) {
                Line(shown($0.tunnel ?? $0.app ?? figures.glyphs.unknown))
            } _: {
                Line(shown($0.tunnel ?? figures.glyphs.unknown))
            },
            column("FINDING", 24, 70, priority: 1) {
                Line(shown($0.title))
            } _: {
                ResponseView.title($0)
            },
            column("BY", 8, priority: 5) {
                Line(shown($0.source), .dim)
            } _: { _ in
                Line("ladder", .dim)
            },
            column("ACTION", 12, 50, priority: 4) {
                ($0.action ?? $0.advice).map { Line(shown($0)) } ?? figures.unknown
            } _: {
                ResponseView.end($0, figures)
            },
        ]
    }

    /// How many, and what they come to.
    static func summary(_ model: ConsoleModel) -> Line {
        let responses = ResponseView.summary(model)
        guard let risk = model.data.findings?.risk else { return responses + FooterView.filterSummary(model) }
        let role: Role = risk.machine >= risk.threshold ? .bad : risk.machine * 2 >= risk.threshold ? .warning : .good
        let machine: Line = [
            Span("risk of this machine ", .dim), Span("\(risk.machine)", role), Span(" of 100  ", .dim),
        ]
        let total = model.data.findings?.total ?? 0
        let rest = total - (model.data.findings?.findings.count ?? 0)
        return machine + responses + FooterView.filterSummary(model)
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
        if let responses = ResponseView.block(about: finding, model, figures) { page.add(responses) }
        page.add(Block("Evidence", finding.evidence.map { Line(shown($0)) }))
        return page
    }

    /// What stands here until the manager has told the first of them.
    static func unavailable(_ model: ConsoleModel) -> Page {
        var page = Page(width: model.canvas.columns, glyphs: model.canvas.glyphs)
        page.add(Block("Findings and analysis", [Line("Not known yet: the manager has told nothing of them.", .dim)]))
        return page
    }
}
