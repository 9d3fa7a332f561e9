public import DTMCore

/// The book as bytes: mark (8) ‖ a 1 before each finding, the highest risk first ‖ 0 ‖ a 1 before each dismissal, the latest
/// first ‖ 0. Numbers are little-endian, a text is its length (2) and its UTF-8.
extension FindingBook {
    /// The most bytes of a snapshot.
    public static let snapshotLimit = 256 << 10
    /// Of these, for what was dismissed.
    private static let dismissalLimit = 64 << 10
    private static let mark: UInt64 = 0x3146_5f4d_5444  // "DTM_F1"
    private static let longestText = 512
    private static let longestEvidence = 1_024

    /// What is to survive a restart: as much as there is room for, the highest risk first.
    public func snapshot() -> [UInt8] {
        var coder = StateCoder(name: Self.title)
        // Writing does not throw: only what is read is checked.
        try? coder.codeMark(Self.mark)
        let latest = dismissals.sorted { $0.value.at > $1.value.at }
        let dismissed = Self.fill(latest, into: Self.dismissalLimit) { coder, entry in
            guard Self.isKept(entry.key) else { return false }
            var (key, dismissal) = entry
            try Self.code(&coder, &key, &dismissal)
            return true
        }
        let room = Self.snapshotLimit - coder.bytes.count - dismissed.bytes.count
        coder.append(
            Self.fill(findings, into: room) { coder, finding in
                guard Self.isKept(finding) else { return false }
                var finding = finding
                try code(&coder, &finding)
                return true
            })
        coder.append(dismissed)
        return coder.bytes
    }

    private static let title = "the book of findings"

    private static func isKept(_ key: Key) -> Bool {
        key.subject.textLength <= longestText && (key.tunnel ?? "").utf8.count <= longestText
            && key.code.utf8.count <= longestText
    }

    private static func isKept(_ finding: Finding) -> Bool {
        isKept(Key(code: finding.code, subject: finding.subject, tunnel: finding.tunnel))
            && (finding.app ?? "").utf8.count <= longestText && finding.title.utf8.count <= longestText
            && finding.evidence.allSatisfy { $0.utf8.count <= longestEvidence }
    }

    /// A list with its end, of what fits.
    private static func fill<Entry>(
        _ entries: [Entry], into room: Int, _ body: (inout StateCoder, Entry) throws -> Bool
    ) -> StateCoder {
        var list = StateCoder(name: title)
        var (more, end) = (true, false)
        for entry in entries {
            var one = StateCoder(name: title)
            try? one.code(&more)
            guard (try? body(&one, entry)) == true, list.bytes.count + one.bytes.count < room else { continue }
            list.append(one)
        }
        try? list.code(&end)
        return list
    }

    /// Goes on where the book that wrote `snapshot` was. What lies in the future counts as now.
    ///
    /// - Throws: ``DetectorStateError`` for what no book of this version has written.
    public init(snapshot: [UInt8], limits: Limits = Limits(), at now: Timestamp) throws {
        guard snapshot.count <= Self.snapshotLimit else {
            throw DetectorStateError(
                .tooLong, "\(Self.title) has \(snapshot.count) bytes; allowed are \(Self.snapshotLimit)")
        }
        self.init(limits: limits)
        var coder = StateCoder(reading: snapshot, name: Self.title)
        try coder.codeMark(Self.mark)
        while try Self.hasMore(&coder) { try readFinding(&coder, at: now) }
        while try Self.hasMore(&coder) { try readDismissal(&coder, at: now) }
        try coder.finish()
        prune(now: now)
    }

    private static func hasMore(_ coder: inout StateCoder) throws -> Bool {
        var more = false
        try coder.code(&more)
        return more
    }

    private mutating func readFinding(_ coder: inout StateCoder, at now: Timestamp) throws {
        var finding = Finding(id: "", code: "", time: now, subject: .host, risk: 0, title: "")
        try code(&coder, &finding)
        let key = Key(code: finding.code, subject: finding.subject, tunnel: finding.tunnel)
        try coder.check(entries.count < limits.capacity && entries[key] == nil && keys[finding.id] == nil)
        finding.time = min(finding.time, now)
        finding.since = min(finding.since, finding.time)
        entries[key] = finding
        keys[finding.id] = key
    }

    private mutating func readDismissal(_ coder: inout StateCoder, at now: Timestamp) throws {
        var key = Key(code: "", subject: .host, tunnel: nil)
        var dismissal = Dismissal(risk: 0, at: now)
        try Self.code(&coder, &key, &dismissal)
        try coder.check(dismissals.count < limits.capacity && dismissals[key] == nil)
        dismissal.at = min(dismissal.at, now)
        dismissals[key] = dismissal
    }

    // MARK: Both ways

    private static func code(_ coder: inout StateCoder, _ key: inout Key) throws {
        try coder.code(&key.code, atMost: longestText)
        try coder.code(&key.subject, atMost: longestText)
        try coder.code(&key.tunnel, atMost: longestText)
        try coder.check(!key.code.isEmpty && key.code.isPlain && (key.tunnel ?? "").isPlain)
    }

    private static func code(_ coder: inout StateCoder, _ key: inout Key, _ dismissal: inout Dismissal) throws {
        try code(&coder, &key)
        try coder.code(&dismissal.risk, in: 0...100)
        try coder.code(&dismissal.at)
    }

    private func code(_ coder: inout StateCoder, _ finding: inout Finding) throws {
        try coder.code(&finding.id, atMost: 12)
        try coder.check(finding.id.utf8.count == 12 && finding.id.utf8.allSatisfy(Self.isDigit))
        var key = Key(code: finding.code, subject: finding.subject, tunnel: finding.tunnel)
        try Self.code(&coder, &key)
        (finding.code, finding.subject, finding.tunnel) = (key.code, key.subject, key.tunnel)
        try coder.code(&finding.app, atMost: Self.longestText)
        try coder.code(&finding.time)
        try coder.code(&finding.since)
        try coder.code(&finding.count)
        try coder.code(&finding.risk, in: 0...100)
        try coder.code(&finding.confidence, in: 0...1)
        try coder.code(&finding.title, atMost: Self.longestText)
        try coder.check(finding.count > 0 && finding.since <= finding.time)
        try coder.check(finding.title.isPlain && (finding.app ?? "").isPlain)
        try code(&coder, &finding.source)
        var count = finding.evidence.count
        try coder.code(count: &count, atMost: limits.evidence)
        if coder.isReading { finding.evidence = Array(repeating: "", count: count) }
        for index in finding.evidence.indices {
            try coder.code(&finding.evidence[index], atMost: Self.longestEvidence)
            try coder.check(finding.evidence[index].isPlain)
        }
    }

    private func code(_ coder: inout StateCoder, _ source: inout Finding.Source) throws {
        let all: [Finding.Source] = [.rule, .detector, .model]
        var number = UInt8(clamping: all.firstIndex(of: source) ?? 0)
        try coder.code(&number)
        try coder.check(Int(number) < all.count)
        source = all[min(Int(number), all.count - 1)]
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
