import DTMAPI
import DTMText

/// Figures over time, and how often something took how long.
enum Graph {
    private static let levels: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// Samples as columns of several rows, with the maximum named above them.
    static func rows(
        _ history: History, width: Int, height: Int, least: Double, _ figures: Figures, label: (Double) -> String
    ) -> [Line] {
        let maximum = max(least, history.maximum(latest: width))
        let latest = history.samples.last ?? nil
        let now = latest.map(label) ?? figures.glyphs.unknown
        let head: Line = [Span("now ", .dim), Span(now, .strong), Span("   top \(label(maximum))", .dim)]
        let samples = history.samples.suffix(width)
        let padding = String(repeating: " ", count: max(0, width - samples.count))
        let steps = figures.glyphs.isUnicode ? 8 : 1
        let rows = (0..<height).map { row -> Line in
            let floor = height - 1 - row
            let text = samples.map { value -> Character in
                guard let value, value > 0, maximum > 0 else {
                    return floor == 0 && value != nil ? bottom(figures) : " "
                }
                let filled = max(1, Int((min(1, value / maximum) * Double(height * steps)).rounded()))
                let here = min(steps, max(0, filled - floor * steps))
                return figures.glyphs.isUnicode ? levels[here] : here > 0 ? "#" : " "
            }
            return Line(padding + String(text), .graph)
        }
        return [head] + rows
    }

    /// What is known to be nothing.
    private static func bottom(_ figures: Figures) -> Character { figures.glyphs.isUnicode ? "▁" : "_" }

    static func bytes(_ history: History, width: Int, height: Int, _ figures: Figures) -> [Line] {
        guard !history.samples.isEmpty else { return [Line("Not known yet.", .dim)] }
        return rows(history, width: width, height: height, least: 1_024, figures) {
            "\(Quantity.bytes(UInt64(min(max(0, $0), 1e18))))/s"
        }
    }

    /// A line for each bucket from the first that is not empty.
    static func timing(_ timing: TimingReport, width: Int, _ figures: Figures) -> [Line] {
        guard timing.count > 0 else { return [Line("None yet.", .dim)] }
        let head: Line = [
            Span("p50 ", .dim), Span(figures.micros(timing.p50Micros), .strong), Span("  p99 ", .dim),
            Span(figures.micros(timing.p99Micros), .strong),
            Span("  longest \(figures.micros(timing.maximumMicros)) of \(timing.count)", .dim),
        ]
        let most = timing.buckets.max() ?? 0
        guard most > 0, let first = timing.buckets.firstIndex(where: { $0 > 0 }) else { return [head] }
        let room = max(8, width - 22)
        let lines = timing.buckets.indices.dropFirst(first).suffix(10).map { index -> Line in
            let count = timing.buckets[index]
            let limit = "< \(figures.micros(UInt64(1) << UInt64(min(62, index))))"
            let bar = figures.glyphs.bar(Double(count) / Double(most), width: room)
            let padding = String(repeating: " ", count: max(0, 10 - DTMText.columns(of: limit)))
            return [
                Span(padding + limit + " ", .dim), Span(bar.filled, .bar),
                Span("  \(count)", count == 0 ? .dim : .text),
            ]
        }
        return [head] + lines
    }
}
