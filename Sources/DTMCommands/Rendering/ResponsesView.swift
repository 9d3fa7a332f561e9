import DTMAPI
import DTMCore
import DTMText

/// `dtm respond` for people.
enum ResponsesView {
    /// What is over is shown for so many.
    static let maximumPast = 20

    static func lines(_ list: ResponseList, _ style: TextStyle, now: Timestamp) -> [String] {
        let head = list.stopped ? "Stopped: nothing acts before dtm respond resume." : "Mode: \(shown(list.mode))"
        let past = Array(list.past.prefix(maximumPast))
        return [head] + section("Waiting for you", list.pending, style, now)
            + section("In force", list.active, style, now) + section("Over", past, style, now)
    }

    static func line(_ entry: ResponseList.Entry) -> String {
        "\(shown(entry.id)): \(shown(entry.rung)) of \(shown(entry.subject)) is \(shown(entry.state))."
    }

    private static func section(
        _ title: String, _ entries: [ResponseList.Entry], _ style: TextStyle, _ now: Timestamp
    ) -> [String] {
        guard !entries.isEmpty else { return ["\(title): nothing"] }
        var table = TextTable([
            // The id is what one copies: it is never cut.
            .text("ID"), .text("RESPONSE"), .text("STATE"), .text("ENDS"), .text("TUNNEL", least: 6),
            .text("SUBJECT", least: 8), .text("REASON", least: 8),
        ])
        for entry in entries {
            table.add([
                .init(entry.id), .init(entry.rung), .init(entry.state),
                .init((entry.expires ?? entry.endedAt).map { Quantity.relative($0, to: now) } ?? "-"),
                .init(entry.tunnel ?? "-"), .init(entry.subject), .init(entry.reason),
            ])
        }
        return ["\(title):"] + table.lines(style)
    }
}
