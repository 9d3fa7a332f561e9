import DTMAPI
import DTMCore
import DTMText

/// What was asked of `dtm apps`, and how an answer looks then.
struct AppsPage {
    /// One application, or all.
    var subject: String?
    var all = false
    var order: AppOrder?
    /// ` --home DIR` for the commands that are suggested.
    var suffix = ""
    var hints = true

    /// The part of the list that was asked for.
    ///
    /// - Throws: `CommandFailure` when there is none.
    func select(_ list: AppList) throws(CommandFailure) -> AppList {
        guard let subject else { return list }
        var selected = list
        selected.apps = try AppSelection.find(subject, in: list, suffix: suffix)
        selected.unattributed = []
        return selected
    }

    /// - Parameters:
    ///   - list: All, to name who is at the other end.
    ///   - selected: What ``select(_:)`` made of it.
    func text(_ list: AppList, _ selected: AppList, _ style: TextStyle, now: Timestamp) -> ViewText {
        guard subject != nil else {
            return AppsView(list: list, all: all, order: order, suffix: suffix, hints: hints).text(style)
        }
        return ApplicationDetailView(
            processes: selected.apps, list: list, now: now, order: order, suffix: suffix, hints: hints
        ).text(style)
    }

    /// The same where what is watched may end and begin again.
    func lenientText(_ list: AppList, _ style: TextStyle, now: Timestamp) -> ViewText {
        do throws(CommandFailure) {
            return text(list, try select(list), style, now: now)
        } catch {
            return ViewText(body: [shown(error.message)])
        }
    }
}

/// One answer after another.
struct AppsDisplay {
    let page: AppsPage
    let isJSON: Bool
    let seconds: Double
    var now: () -> Timestamp = { WallClock().now() }

    /// Below what was printed before: an object a line, or the time and the view, with an empty line behind it.
    func append(_ list: AppList, _ age: WatchLoop.Age, _ output: Output) throws {
        guard age == .fresh else { return }
        guard !isJSON else { return try output.json(part(list)) }
        try output.lines([time] + page.lenientText(list, output.style, now: now()).lines() + [""])
    }

    /// Over what was drawn before. The terminal may have another size by now.
    func draw(_ list: AppList, _ age: WatchLoop.Age) throws {
        let output = Output.standard()
        try TerminalScreen.draw(screen(list, age, output.style, TerminalScreen.size()?.lines), on: output)
    }

    /// - Parameter height: Lines of the screen; nil when that can't be told.
    func screen(_ list: AppList, _ age: WatchLoop.Age, _ style: TextStyle, _ height: Int?) -> [String] {
        let head = cut(head(age), to: style.width ?? .max)
        let paint: TextStyle.Paint = age == .fresh ? .dim : .yellow
        let text = page.lenientText(list, style, now: now())
        return [style.paint(head, paint)] + text.lines(height: height.map { max(1, $0 - 1) })
    }

    private func head(_ age: WatchLoop.Age) -> String {
        let title = "dtm apps" + (page.subject.map { " \(shown($0))" } ?? "")
        let rhythm = "every \(Quantity.decimal(seconds, places: seconds == seconds.rounded() ? 0 : 1)) s"
        return switch age {
        case .fresh: "\(title)  \(time)  \(rhythm), q ends it"
        case .stale: "\(title)  \(time)  the manager is away, waiting"
        }
    }

    /// To the second.
    private var time: String { "\(now().rfc3339.prefix(19))Z" }

    /// What ended since is no longer among them, and that is no error here.
    private func part(_ list: AppList) -> AppList {
        do throws(CommandFailure) {
            return try page.select(list)
        } catch {
            var list = list
            list.apps = []
            list.unattributed = []
            return list
        }
    }
}
