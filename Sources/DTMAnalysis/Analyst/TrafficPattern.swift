/// What the traffic of a subject looks like, in sentences. Pure: the same history gives the same words.
public enum TrafficPattern {
    /// The sentences, the most general first; one that says that too little is known when there is.
    public static func words(for profile: SubjectProfile) -> [String] {
        let known = profile.series.compactMapValues { $0.history }
        guard let seconds = known.values.map(\.recentSeconds.count).max(), seconds >= 30 else {
            return ["Too little was seen yet: \(known.values.map(\.recentSeconds.count).max() ?? 0) seconds."]
        }
        return [
            load(known), direction(known), rhythm(known), lifetimes(known), bursts(known), hours(known),
            resources(known),
        ].compactMap(\.self)
    }

    private typealias Histories = [Metric: MetricHistory]

    private static func load(_ known: Histories) -> String? {
        guard let opened = known[.opened]?.mean(ofSeconds: 120) else { return nil }
        let active = known[.active]?.latest ?? 0
        if opened == 0 {
            return active == 0
                ? "Idle: no connection in the last two minutes."
                : "Quiet: \(Amount.number(active)) connections are open, and none began in the last two minutes."
        }
        return
            "\(Amount.number(opened)) new connections a second over the last two minutes, \(Amount.number(active)) open."
    }

    private static func direction(_ known: Histories) -> String? {
        guard let inward = known[.bytesIn]?.mean(ofSeconds: 120), let outward = known[.bytesOut]?.mean(ofSeconds: 120),
            inward + outward >= 1
        else { return nil }
        let amounts = "\(Amount.bytes(inward))/s in, \(Amount.bytes(outward))/s out"
        if outward >= 4 * inward { return "Mostly downloads: \(amounts)." }
        if inward >= 4 * outward { return "Mostly uploads: \(amounts)." }
        return "Both ways alike: \(amounts)."
    }

    private static func rhythm(_ known: Histories) -> String? {
        guard let gap = known[.interArrival]?.latest, gap >= 1, known[.interArrival]?.recentSeconds.count ?? 0 >= 8
        else { return nil }
        let gaps = (known[.interArrival]?.recentSeconds ?? []).map { Double($0) }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let squares = gaps.map { gap in (gap - mean) * (gap - mean) }
        let deviation = (squares.reduce(0, +) / Double(gaps.count)).squareRoot()
        return deviation < mean / 10
            ? "Connections come every \(Amount.number(mean)) s, nearly to the second: a timer, not people." : nil
    }

    private static func lifetimes(_ known: Histories) -> String? {
        guard let duration = known[.duration]?.mean(ofSeconds: MetricHistory.seconds) else { return nil }
        if duration < 1 { return "Connections are short: \(Amount.number(duration * 1_000)) ms on average." }
        return "Connections last \(Amount.number(duration)) s on average."
    }

    private static func bursts(_ known: Histories) -> String? {
        guard let minutes = known[.opened]?.recentMinutes, minutes.count >= 10, let peak = minutes.max() else {
            return nil
        }
        let median = Double(minutes.sorted()[minutes.count / 2])
        guard Double(peak) >= max(4 * median, 1) else { return nil }
        return "It comes in bursts: the busiest minute of \(minutes.count) had \(Amount.number(Double(peak))) new "
            + "connections a second, the usual one \(Amount.number(median))."
    }

    /// A rhythm of the day needs two of them.
    private static func hours(_ known: Histories) -> String? {
        guard let hours = known[.opened]?.recentHours, hours.count >= 48 else { return nil }
        let today = hours.suffix(24).map { Double($0) }
        let before = hours.dropLast(24).suffix(24).map { Double($0) }
        let likeness = Self.correlation(today, before)
        return likeness > 0.7
            ? "It follows the time of day: yesterday's hours were alike (correlation \(Amount.number(likeness)))." : nil
    }

    private static func correlation(_ left: [Double], _ right: [Double]) -> Double {
        let count = Double(min(left.count, right.count))
        let (meanLeft, meanRight) = (left.reduce(0, +) / count, right.reduce(0, +) / count)
        var (both, ofLeft, ofRight) = (0.0, 0.0, 0.0)
        for (l, r) in zip(left, right) {
            both += (l - meanLeft) * (r - meanRight)
            ofLeft += (l - meanLeft) * (l - meanLeft)
            ofRight += (r - meanRight) * (r - meanRight)
        }
        let spread = (ofLeft * ofRight).squareRoot()
        return spread > 0 ? both / spread : 0
    }

    private static func resources(_ known: Histories) -> String? {
        guard let cpu = known[.cpu]?.mean(ofSeconds: 120), let memory = known[.memory]?.latest else { return nil }
        return "\(Amount.number(cpu)) % of a core over the last two minutes, \(Amount.bytes(memory)) of memory."
    }
}
