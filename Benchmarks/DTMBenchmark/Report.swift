import Glibc

/// Numbers as the tables show them: three significant digits.
enum Figure {
    static func text(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        let magnitude = abs(value)
        return fixed(value, digits: magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2)
    }

    static func fixed(_ value: Double, digits: Int) -> String {
        let scale = pow(10, Double(digits))
        let units = Int((abs(value) * scale).rounded())
        let whole = "\(units / Int(scale))"
        let part = "\(units % Int(scale))"
        let sign = value < 0 && units != 0 ? "-" : ""
        return digits == 0
            ? sign + whole : sign + whole + "." + String(repeating: "0", count: digits - part.count) + part
    }
}

/// The benchmark's result as Markdown.
struct Report {
    let contenders: [String]
    let compared: [ComparedMeasure: [String: Double]]
    let own: [OwnFigure]
    let machine: Machine
    let scale: Scale

    var section: DocumentSection { DocumentSection(name: "benchmark", markdown: markdown) }

    private var markdown: String {
        ([comparedTable, ownTable].filter { !$0.isEmpty } + [machine.description, method]).joined(separator: "\n\n")
            + "\n"
    }

    private var comparedTable: String {
        guard !compared.isEmpty else { return "" }
        let peers = contenders.filter { $0 != "DTM" }
        let head = ["both ends", "DTM"] + peers + ["DTM ÷ best peer", "to reach", ""]
        let rows = ComparedMeasure.allCases.compactMap { measure in
            compared[measure].map { row(measure, values: $0, peers: peers) }
        }
        return Self.table(head, rows)
    }

    private func row(_ measure: ComparedMeasure, values: [String: Double], peers: [String]) -> [String] {
        let best = peers.compactMap { values[$0] }.min()
        let ratio = best.flatMap { best in values["DTM"].map { $0 / best } }
        return [measure.title] + (["DTM"] + peers).map { values[$0].map(Figure.text) ?? "–" }
            + [
                ratio.map { Figure.fixed($0, digits: 2) } ?? "–", "≤ \(Figure.fixed(measure.target, digits: 2))",
                ratio.map { $0 <= measure.target ? "reached" : "missed" } ?? "",
            ]
    }

    private var ownTable: String { own.isEmpty ? "" : Self.table("DTM alone", own) }

    private var method: String {
        """
        Medians of \(scale.repetitions) repetitions (\(scale.idleRepetitions) for idle memory), the tunnels taking turns within \
        each. Every tunnel has a client's and a server's end, one thread each, TLS 1.3 with AES-128-GCM, P-256 certificates \
        verified on both sides and no resumption; DTM's key exchange is X25519MLKEM768, the peers' is X25519. CPU is user and \
        system time of the tunnel's own processes (DTM's launcher and control included) from `/proc/PID/stat`; memory is \
        proportional set size. Loopback; one repetition moves \(Figure.text(Double(scale.bulkBytes) / 1e9)) GB each way, sends \
        \(scale.requests) requests over \(scale.clients) connections, opens \(scale.connections) connections.
        """
    }

    /// Figures with what they are to reach.
    static func table(_ title: String, _ figures: [OwnFigure]) -> String {
        let rows = figures.map { figure in
            [
                figure.title, figure.text(figure.value), figure.target.map { "≤ \(figure.text($0))" } ?? "",
                figure.target.map { figure.value <= $0 ? "reached" : "missed" } ?? "",
            ]
        }
        return table([title, "", "to reach", ""], rows)
    }

    static func table(_ head: [String], _ rows: [[String]]) -> String {
        let rule = head.enumerated().map { $0.offset == 0 ? "---" : "--:" }
        return ([head, rule] + rows).map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
    }
}

/// When and where it was measured.
struct Machine: CustomStringConvertible {
    let versions: [String]

    var description: String {
        "Measured on \(date), \(processor), \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) cores, Linux \(kernel), with "
            + "\(versions.joined(separator: ", "))."
    }

    /// Of the last one, five and fifteen minutes.
    static var load: String {
        ProcFile.read("/proc/loadavg")?.split(separator: " ").prefix(3).joined(separator: " ") ?? "?"
    }

    private var date: String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y-%m-%d", &parts)
        return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private var processor: String {
        let line = ProcFile.read("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { String($0.drop { $0 == " " }) } ?? "unknown processor"
    }

    private var kernel: String {
        ProcFile.read("/proc/sys/kernel/osrelease")?.split(separator: "\n").first.map { String($0) } ?? "?"
    }
}
