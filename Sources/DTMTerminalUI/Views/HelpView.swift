import DTMText

/// What the keys do.
enum HelpView {
    private static let moving: [(String, String)] = [
        ("Up Down  j k", "select, or scroll a text"), ("PgUp PgDn", "by a page"), ("Home End  g G", "to the ends"),
        ("Wheel, click", "scroll, select"), ("Enter", "go into the selected"), ("Esc", "go back; clear the filter"),
        ("Tab  1-6", "the screens"), ("/", "filter by name, user, PID, port, tunnel"),
        ("s  S", "next order; reverse it"), ("v", "all processes, or those with sockets"),
        ("P", "what the analyst knows of a process, by its PID"),
        ("Space", "pause: the picture stands still"), ("Ctrl-L", "draw everything anew"),
        ("Ctrl-Z", "suspend; fg comes back"), ("Q", "quit"),
    ]
    private static let steering: [(String, String)] = [
        ("p", "protect the selected application, or remove its tunnel (asks)"),
        ("r", "rotate the selected tunnel now; connections stay"), ("R", "rotate all tunnels now"),
        ("a", "approve what waits about the selected finding (asks)"),
        ("d", "dismiss the selected finding or proposal (asks)"),
        ("u", "undo what is in force about the selected finding (asks)"),
        ("X", "stop all responses, or let them act again (asks)"),
        ("T", "auto-tunnel on or off"), ("A", "analysis on or off"),
    ]
    private static let words: [(String, String)] = [
        ("tier", "isolated, fenced: nobody gets past the tunnel; fronted: its port is still open"),
        ("endpoint", "where the tunnel listens at the moment; it moves"),
        ("next", "what is left until it moves"),
        ("risk", "0 to 100; 3 shows what it is made of, and what to do"),
        ("decoy", "a listener that looks like the endpoint; whoever touches it is seen"),
    ]

    static func lines(_ model: ConsoleModel) -> [Line] {
        let steering =
            model.maySteer
            ? section("Steer", steering) : [Line("Steer", .title), Line("  this console may only look", .dim)]
        return section("Move", moving) + [.empty] + steering + [.empty] + section("Words", words)
            + [
                .empty,
                Line("Use a tunnel: dtm connect NAME --listen 127.0.0.1:PORT, then talk to that port.", .accent),
            ]
    }

    private static func section(_ title: String, _ keys: [(String, String)]) -> [Line] {
        [Line(title, .title)]
            + keys.map { key in
                let padding = String(repeating: " ", count: max(1, 16 - DTMText.columns(of: key.0)))
                return [Span("  \(key.0)", .key), Span(padding), Span(key.1)]
            }
    }

    /// Lines that there is room for.
    static func height(_ model: ConsoleModel) -> Int { max(1, model.canvas.rows - 6) }

    static func draw(_ offset: Int, _ model: ConsoleModel, into grid: inout Grid) {
        let all = lines(model)
        let isCut = all.count > height(model)
        let footer = isCut ? "Up and Down scroll, any other key goes back" : "any key goes back"
        Box(
            title: "Keys", content: Array(all.dropFirst(offset).prefix(height(model))), footer: footer, model, grid
        ).draw(into: &grid)
    }
}
