import DTMAPI
import DTMCore
import DTMText

/// What happened, the newest last.
enum EventsView {
    static func draw(_ model: ConsoleModel, into grid: inout Grid) {
        let top = ConsoleView.top
        guard !model.list.rows.isEmpty else {
            let text = model.list.filter.isEmpty ? "Nothing happened yet." : "Nothing matches \(model.list.filter)."
            grid.note([Line(text, .dim)], top: top + 1, glyphs: model.canvas.glyphs)
            return
        }
        var list = model.list
        list.scroll(height: ConsoleView.listRows(model))
        let events = list.rows[list.offset...].prefix(ConsoleView.listRows(model)).compactMap { row -> EventReport? in
            guard case .event(let id) = row else { return nil }
            return model.data.event(id)
        }
        let figures = Figures(glyphs: model.canvas.glyphs, now: model.managerTime)
        Table<EventReport>(
            columns: [
                .init("TIME", 8, priority: 0) { event, _ in Line(Figures.clock(event.time), .dim) },
                .init("SEVERITY", 1, 8, priority: 3) { event, width in
                    let word = event.severity.rawValue
                    return Line(
                        width < 8 ? String(word.prefix(1)).uppercased() : word, figures.severity(event.severity))
                },
                .init("EVENT", 22, 28, priority: 1) { event, _ in
                    Line(shown(event.kind), figures.severity(event.severity))
                },
                .init("ABOUT", 10, 18, priority: 2) { event, _ in
                    (event.tunnel ?? event.app).map { Line(shown($0), .strong) } ?? figures.unknown
                },
                .init("DETAIL", 20, 200, priority: 4) { event, _ in detail(event) },
            ], glyphs: figures.glyphs
        ).draw(events, selected: list.index - list.offset, into: &grid, top: top)
    }

    /// What matters most first: the reason, then the rest by name.
    private static func detail(_ event: EventReport) -> Line {
        var spans: [Span] = []
        if let reason = event.detail["reason"] { spans.append(Span("\(shown(reason.description))  ")) }
        for pair in event.detail.sorted(by: { $0.key < $1.key }) where pair.key != "reason" {
            spans += [Span("\(shown(pair.key))=", .dim), Span("\(shown(pair.value.description)) ")]
        }
        return Line(spans)
    }

    static func page(_ id: UInt64, _ model: ConsoleModel, _ figures: Figures) -> Page {
        var page = Page(width: model.canvas.columns, glyphs: figures.glyphs)
        guard let event = model.data.event(id) else {
            page.add(Block("Event \(id)", [Line("It is forgotten.", .dim)]))
            return page
        }
        page.add(
            .facts(
                "Event \(id)",
                [
                    ("kind", Line(shown(event.kind), .strong)),
                    ("severity", Line(event.severity.rawValue, figures.severity(event.severity))),
                    ("time", Line(shown(event.time)) + Line("  ") + figures.relative(event.time)),
                    ("tunnel", event.tunnel.map { Line(shown($0)) } ?? figures.unknown),
                    ("application", event.app.map { Line(shown($0)) } ?? figures.unknown),
                    ("identity", event.identity.map { Line(shown($0)) } ?? figures.unknown),
                ], glyphs: figures.glyphs))
        let detail = event.detail.sorted { $0.key < $1.key }
        if !detail.isEmpty {
            page.add(
                .facts(
                    "Detail", detail.map { (shown($0.key), Line(shown($0.value.description))) }, glyphs: figures.glyphs)
            )
        }
        return page
    }
}

extension LiveData {
    /// Numbers count up, so that it is found by halving.
    func event(_ id: UInt64) -> EventReport? {
        var low = 0
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < events.count && events[low].id == id ? events[low] : nil
    }
}
