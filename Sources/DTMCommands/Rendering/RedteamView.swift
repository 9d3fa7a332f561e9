import DTMRedteam
import DTMText

/// `dtm redteam` for people: what each attack came to, then what there is to say about it, then the sum.
enum RedteamView {
    static func lines(_ report: RedteamReport, _ style: TextStyle) -> [String] {
        var table = TextTable([
            .text("ATTACK"), .text("REACHED"), .number("PROBES"), .number("ALARM AT"), .text("RESPONSE", least: 8),
            .text("MEASURED", least: 7), .text("FORMULA"),
        ])
        for outcome in report.attacks { table.add(cells(outcome, isWide: (style.width ?? .max) >= wideColumns)) }
        return head(report, style) + [""] + (report.attacks.isEmpty ? [] : table.lines(style))
            + legend(report) + details(report, style) + ["", summary(report, style)]
    }

    private static func head(_ report: RedteamReport, _ style: TextStyle) -> [String] {
        let place =
            report.tunnel.map { "the tunnel \(shown($0)) of a running manager, on this host's loopback" }
            ?? "tunnels of its own, in a network namespace of their own"
        let who =
            report.managerUID.map { manager in
                report.attackerUID == manager
                    ? "uid \(manager), the manager's own user: told, never cut off"
                    : "uid \(report.attackerUID); the manager is uid \(manager)"
            } ?? "uid \(report.attackerUID)"
        let range = report.portRange.map(String.init).joined(separator: "-")
        return [style.paint("dtm redteam", .bold)]
            + fields(
                [
                    ("target", place), ("attacker", who),
                    (
                        "tunnel",
                        "\(report.decoys) decoys, ports \(range), moves every \(number(report.intervalSeconds)) s, "
                            + "overlap \(number(report.overlapSeconds)) s"
                    ), ("seed", String(report.seed)),
                ]
            ).flatMap { folded($0, indent: 12, style) }
    }

    /// From so many on, the interval has room in the table.
    private static let wideColumns = 100

    private static func cells(_ outcome: RedteamReport.Outcome, isWide: Bool) -> [TextTable.Cell] {
        [
            .init(outcome.attack), .init(outcome.reached ? "YES" : "no", outcome.reached ? .red : .green),
            .init(String(outcome.probes)),
            .init(outcome.alarm.map { String($0.probes) } ?? "none", outcome.alarm == nil ? .dim : nil),
            .init(
                outcome.response.map {
                    "\(number($0.seconds < 10 ? $0.seconds : ($0.seconds * 10).rounded() / 10)) s \($0.rung)"
                } ?? "none",
                outcome.response == nil ? .dim : nil),
            .init(outcome.chance.map { isWide ? measured($0) : probability($0.measured) } ?? "-"),
            .init(outcome.chance.map { probability($0.formula) } ?? "-"),
        ]
    }

    /// As `0.036 (0.033-0.040)`.
    private static func measured(_ chance: RedteamReport.Chance) -> String {
        "\(probability(chance.measured)) (\(probability(chance.low))-\(probability(chance.high)))"
    }

    private static func legend(_ report: RedteamReport) -> [String] {
        guard !report.attacks.isEmpty else { return [] }
        return [
            "", "ALARM AT: probes made when the first finding was raised. RESPONSE: since the",
            "first probe. MEASURED: with Wilson's interval (95 %).",
        ]
    }

    // MARK: Details

    private static func details(_ report: RedteamReport, _ style: TextStyle) -> [String] {
        report.attacks.flatMap { outcome in
            ["", style.paint(outcome.attack, .bold) + style.paint("  \(number(outcome.seconds)) s", .dim)]
                + facts(outcome).flatMap { folded("  \($0)", indent: 4, style) }
        }
    }

    private static func facts(_ outcome: RedteamReport.Outcome) -> [String] {
        var facts = [outcome.title + "."]
        if outcome.touchedReal > 0 {
            facts.append("\(Quantity.count(outcome.touchedReal, "probe")) met an endpoint that served.")
        }
        if let alarm = outcome.alarm {
            let who = alarm.subject.map { ", \(shown($0))" } ?? ""
            facts.append(
                "Alarm after \(number(alarm.seconds)) s: \(shown(alarm.title)) (\(shown(alarm.code)), risk \(alarm.risk)\(who))."
            )
        }
        if let response = outcome.response, !response.more.isEmpty {
            facts.append("Then: \(response.more.map { shown($0) }.joined(separator: ", ")).")
        }
        if let chance = outcome.chance {
            let how = chance.live ? "probes of this attack" : "drawn from the code that places listeners"
            facts.append(
                "P(\(chance.of)): \(measured(chance)), \(chance.hits) of \(chance.trials), \(how); formula \(chance.formulaText)."
            )
        }
        return facts + outcome.notes.map { "\($0.prefix(1).uppercased() + $0.dropFirst())." }
    }

    private static func summary(_ report: RedteamReport, _ style: TextStyle) -> String {
        let reached = report.attacks.filter(\.reached).map(\.attack)
        let probes = report.attacks.reduce(0) { $0 + $1.probes }
        let omitted = report.omitted.isEmpty ? "" : " No time was left for \(report.omitted.joined(separator: ", "))."
        let effort = "\(probes) probes in \(number(report.seconds)) s."
        guard !reached.isEmpty else {
            return style.paint("Nothing reached an application.", .green) + " \(effort)\(omitted)"
        }
        return style.paint("Reached an application: \(reached.joined(separator: ", ")).", .red) + " \(effort)\(omitted)"
    }

    private static func folded(_ line: String, indent: Int, _ style: TextStyle) -> [String] {
        guard let width = style.width, columns(of: line) > width else { return [line] }
        let lead = String(line.prefix { $0 == " " })
        let parts = wrapped(String(line.dropFirst(lead.count)), to: max(20, width - indent))
        return parts.enumerated().map { $0 == 0 ? lead + $1 : String(repeating: " ", count: indent) + $1 }
    }

    // MARK: Numbers

    /// Two significant digits or so, as `0.037`, `2e-10`, `0`.
    static func probability(_ value: Double) -> String {
        guard value > 0 else { return "0" }
        guard value < 0.9995 else { return "1" }
        if value >= 0.001 {
            // Four digits behind the point, or three where the fourth is none.
            let digits = String(Int((value * 10_000).rounded()) + 10_000).dropFirst()
            return "0.\(digits.hasSuffix("0") ? digits.dropLast() : digits)"
        }
        var (mantissa, exponent) = (value, 0)
        while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        let digit = Int(mantissa.rounded())
        return digit == 10 ? "1e\(exponent + 1)" : "\(digit)e\(exponent)"
    }

    /// At most two digits behind the point.
    static func number(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let (whole, rest) = (hundredths / 100, hundredths % 100)
        if rest == 0 { return String(whole) }
        return rest % 10 == 0 ? "\(whole).\(rest / 10)" : "\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }
}
