import DTMCore

/// What the rules learnt as bytes: mark (8) ‖ a 1 before each tunnel ‖ 0. Numbers are little-endian, a text is its length (2)
/// and its UTF-8.
extension KnownWorld {
    /// The most bytes of a snapshot.
    public static let snapshotLimit = 384 << 10
    /// The most bytes of one tunnel, its programs aside: so that no tunnel takes the room of all others.
    private static let tunnelLimit = 12 << 10
    private static let mark: UInt64 = 0x314b_5f4d_5444  // "DTM_K1"
    private static let longestText = 512
    private static let mostHosts = 16
    private static let title = "what the rules learnt"

    /// What is to survive a restart, as much as there is room for.
    public func snapshot() -> [UInt8] {
        var coder = StateCoder(name: Self.title)
        var (more, end) = (true, false)
        // Writing does not throw: only what is read is checked.
        try? coder.codeMark(Self.mark)
        for (name, tunnel) in tunnels.sorted(by: { $0.key < $1.key }) where name.utf8.count <= Self.longestText {
            var one = StateCoder(name: Self.title)
            var kept = KeptTunnel(name, tunnel, startedAt: startedAt, most: Self.mostHosts, text: Self.longestText)
            try? one.code(&more)
            try? Self.code(&one, &kept)
            guard coder.bytes.count + one.bytes.count < Self.snapshotLimit else { continue }
            coder.append(one)
        }
        try? coder.code(&end)
        return coder.bytes
    }

    /// Goes on where the one that wrote `snapshot` was: learning is not begun anew.
    ///
    /// - Throws: ``DetectorStateError`` for what none of this version has written.
    public init(snapshot: [UInt8]) throws {
        guard snapshot.count <= Self.snapshotLimit else {
            throw DetectorStateError(
                .tooLong, "\(Self.title) has \(snapshot.count) bytes; allowed are \(Self.snapshotLimit)")
        }
        self.init()
        var coder = StateCoder(reading: snapshot, name: Self.title)
        try coder.codeMark(Self.mark)
        while true {
            var more = false
            try coder.code(&more)
            guard more else { break }
            var kept = KeptTunnel()
            try Self.code(&coder, &kept)
            try coder.check(tunnels.count < Self.mostTunnels && tunnels[kept.name] == nil)
            tunnels[kept.name] = kept.tunnel
        }
        try coder.finish()
    }

    private static func code(_ coder: inout StateCoder, _ kept: inout KeptTunnel) throws {
        let begin = coder.isReading ? coder.offset : coder.bytes.count
        try coder.code(&kept.name, atMost: longestText)
        try coder.check(!kept.name.isEmpty && kept.name.isPlain)
        try coder.code(&kept.since, or: .init(nanoseconds: 0)) { coder, time in try coder.code(&time) }
        try coder.code(&kept.target, atMost: longestText)
        try coder.code(&kept.app, atMost: longestText)
        try list(&coder, &kept.hosts, "", most: mostHosts) { coder, host in
            try coder.code(&host, atMost: longestText)
            try coder.check(host.isPlain)
        }
        let hosts = kept.hosts.count
        try list(&coder, &kept.endpoints, .init(host: 0, port: 0), most: mostEndpoints) { coder, endpoint in
            try coder.code(&endpoint.host)
            try coder.check(Int(endpoint.host) < hosts)
            try coder.code(&endpoint.port)
        }
        try list(&coder, &kept.users, 0, most: mostPrograms) { coder, uid in try coder.code(&uid) }
        if !coder.isReading { kept.keepPrograms(within: tunnelLimit - (coder.bytes.count - begin)) }
        try list(&coder, &kept.programs, Program(uid: 0, executable: nil), most: mostPrograms) { coder, program in
            try coder.code(&program.uid)
            try coder.code(&program.executable, atMost: longestText)
            try coder.check((program.executable ?? "").isPlain)
        }
    }

    private static func list<Element>(
        _ coder: inout StateCoder, _ elements: inout [Element], _ empty: Element, most: Int,
        _ body: (inout StateCoder, inout Element) throws -> Void
    ) throws {
        var count = elements.count
        try coder.code(count: &count, atMost: most)
        if coder.isReading { elements = Array(repeating: empty, count: count) }
        for index in elements.indices { try body(&coder, &elements[index]) }
    }
}
