public import DTMCore

/// What was found, once each. A bounded value: sightings of the same become one finding with a count, old ones age out,
/// and when there are too many the least and oldest go.
public struct FindingBook: Sendable {
    /// How much, and for how long.
    public struct Limits: Hashable, Sendable {
        /// A sighting this long after the last of the same is a finding of its own.
        public var sameWithin: Duration
        /// What was not seen for so long is forgotten; so is that it was dismissed.
        public var lifetime: Duration
        public var capacity: Int
        public var evidence: Int
        /// Characters of one piece of evidence.
        public var evidenceLength: Int

        public init(
            sameWithin: Duration = .seconds(3_600), lifetime: Duration = .seconds(86_400), capacity: Int = 1_000,
            evidence: Int = 12, evidenceLength: Int = 200
        ) {
            self.sameWithin = sameWithin
            self.lifetime = lifetime
            self.capacity = max(1, capacity)
            self.evidence = max(1, evidence)
            self.evidenceLength = max(16, evidenceLength)
        }
    }

    /// What became of a sighting.
    public enum Outcome: Hashable, Sendable {
        /// It is the first of its kind, or worse than before.
        case raised(Finding)
        /// It was counted.
        case repeated(Finding)
        /// A person said that it is no threat, and it is not worse than then.
        case hidden
    }

    struct Key: Hashable, Sendable {
        var code: String
        var subject: ResponseSubject
        var tunnel: String?
    }
    struct Dismissal: Sendable {
        var risk: Int
        var at: Timestamp
    }

    let limits: Limits
    var entries: [Key: Finding] = [:]
    var keys: [String: Key] = [:]
    var dismissals: [Key: Dismissal] = [:]
    /// Goes up with every change.
    public private(set) var change: UInt64 = 0

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// All that is to be shown: the highest risk first, of equal ones the latest.
    public var findings: [Finding] {
        entries.values.sorted {
            ($0.risk, $0.time, $1.id) > ($1.risk, $1.time, $0.id)
        }
    }

    public subscript(id: String) -> Finding? { keys[id].flatMap { entries[$0] } }

    /// Takes a sighting.
    public mutating func take(_ sighting: Sighting) -> Outcome {
        prune(now: sighting.time)
        let key = Key(code: sighting.code, subject: sighting.subject, tunnel: sighting.tunnel)
        if let dismissal = dismissals[key] {
            guard sighting.risk > dismissal.risk else { return .hidden }
            dismissals[key] = nil
        }
        change += 1
        if var known = entries[key], sighting.time - known.time < limits.sameWithin {
            let isWorse = sighting.risk > known.risk
            if sighting.risk >= known.risk {
                known.risk = sighting.risk
                known.confidence = max(known.confidence, sighting.confidence)
                known.evidence = bounded(sighting.evidence)
            }
            known.time = max(known.time, sighting.time)
            let (count, overflow) = known.count.addingReportingOverflow(sighting.count)
            known.count = overflow ? .max : count
            entries[key] = known
            return isWorse ? .raised(known) : .repeated(known)
        }
        return .raised(enter(sighting, key))
    }

    private mutating func enter(_ sighting: Sighting, _ key: Key) -> Finding {
        if let former = entries[key] { keys[former.id] = nil }
        let finding = Finding(
            id: freshID(key, sighting.time), code: sighting.code, time: sighting.time, count: sighting.count,
            subject: sighting.subject, tunnel: sighting.tunnel, app: sighting.app, risk: sighting.risk,
            confidence: sighting.confidence, title: sighting.title, evidence: bounded(sighting.evidence),
            source: sighting.source)
        entries[key] = finding
        keys[finding.id] = key
        makeRoom()
        return finding
    }

    /// A person says that it is no threat: it is hidden until it is seen with a higher risk, or forgotten.
    ///
    /// - Returns: The finding; nil when there is none of this id.
    public mutating func dismiss(_ id: String, at now: Timestamp) -> Finding? {
        guard let key = keys[id], let finding = entries[key] else { return nil }
        entries[key] = nil
        keys[id] = nil
        if dismissals.count >= limits.capacity, let oldest = dismissals.min(by: { $0.value.at < $1.value.at }) {
            dismissals[oldest.key] = nil
        }
        dismissals[key] = Dismissal(risk: finding.risk, at: now)
        change += 1
        return finding
    }

    /// Forgets what is old.
    public mutating func prune(now: Timestamp) {
        let oldest = now - limits.lifetime
        for (key, finding) in entries where finding.time < oldest {
            entries[key] = nil
            keys[finding.id] = nil
            change += 1
        }
        dismissals = dismissals.filter { $0.value.at >= oldest }
    }

    private mutating func makeRoom() {
        while entries.count > limits.capacity,
            let least = entries.min(by: { ($0.value.risk, $0.value.time) < ($1.value.risk, $1.value.time) })
        {
            entries[least.key] = nil
            keys[least.value.id] = nil
        }
    }

    private func bounded(_ evidence: [String]) -> [String] {
        evidence.prefix(limits.evidence).map { text in
            let shown = String(
                String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }))
            return shown.count > limits.evidenceLength ? shown.prefix(limits.evidenceLength - 1) + "…" : shown
        }
    }

    /// Twelve hexadecimal digits of FNV-1a over what the finding is about and when it was first seen. Should another
    /// one have them, the next.
    private func freshID(_ key: Key, _ time: Timestamp) -> String {
        let text = "\(key.code)\u{0}\(key.subject)\u{0}\(key.tunnel ?? "")\u{0}\(time.nanoseconds)"
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        var number = (hash ^ (hash >> 32)) & 0xffff_ffff_ffff
        while keys[Self.hexadecimal(number)] != nil { number = (number &+ 1) & 0xffff_ffff_ffff }
        return Self.hexadecimal(number)
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }
}
