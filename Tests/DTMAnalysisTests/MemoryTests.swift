import DTMCore
import DTMTestSupport
import Testing

@testable import DTMAnalysis

/// What survives a restart of what was found, and of what the rules learnt.
@Suite struct MemoryTests {
    private func filled() throws -> FindingBook {
        var book = FindingBook()
        for (index, subject) in [
            ResponseSubject.host, .identity("spiffe://d/client/x"), .program(uid: 1_001, executable: "/usr/bin/nmap"),
            .program(uid: 7, executable: nil), .application("redis-server"), .tunnel("redis"),
        ].enumerated() {
            for time in 0..<3 {
                _ = book.take(
                    Sighting(
                        code: "a.b", time: Sample.start + .seconds(time), count: 2, subject: subject,
                        tunnel: index % 2 == 0 ? "redis" : nil, app: "redis-server", risk: 40 + index,
                        confidence: 0.5, title: "Something – was seen", evidence: ["uid 1001", "grün"],
                        source: [.rule, .detector, .model][index % 3]))
            }
        }
        let hidden = try #require(book.findings.last)
        _ = book.dismiss(hidden.id, at: Sample.start + .seconds(5))
        return book
    }

    @Test func `Findings come back with their counts, and what was dismissed stays hidden`() throws {
        let book = try filled()
        let now = Sample.start + .seconds(60)
        var restored = try FindingBook(snapshot: book.snapshot(), at: now)
        #expect(restored.findings == book.findings && restored.findings.allSatisfy { $0.count == 6 })
        for finding in book.findings { #expect(restored[finding.id] == finding) }
        #expect(restored.snapshot() == book.snapshot())
        let again = Sighting(
            code: "a.b", time: now, subject: .host, tunnel: "redis", risk: 40, title: "Something – was seen")
        #expect(restored.take(again) == .hidden)
        var worse = again
        worse.risk = 41
        let isRaised = if case .raised = restored.take(worse) { true } else { false }
        #expect(isRaised)
    }

    @Test func `What is a day old is gone after a restart, and what lies in the future counts as now`() throws {
        let bytes = try filled().snapshot()
        #expect(try FindingBook(snapshot: bytes, at: Sample.start + .seconds(90_000)).findings.isEmpty)
        let before = Sample.start - .seconds(500)
        #expect(try FindingBook(snapshot: bytes, at: before).findings.allSatisfy { $0.time == before })
    }

    @Test func `However much was found, the worst of it fits`() throws {
        var book = FindingBook()
        let long = String(repeating: "x", count: 200)
        for number in 0..<1_000 {
            _ = book.take(
                Sighting(
                    code: "a.b", time: Sample.start, subject: .application("\(number)"), risk: number % 101,
                    title: long, evidence: Array(repeating: long, count: 12)))
        }
        let bytes = book.snapshot()
        #expect(bytes.count <= FindingBook.snapshotLimit && bytes.count > FindingBook.snapshotLimit / 2)
        let kept = try FindingBook(snapshot: bytes, at: Sample.start).findings
        #expect(kept.count > 50 && kept.map(\.id) == book.findings.prefix(kept.count).map(\.id))
    }

    @Test func `Rules go on where they were: a program is new at once, and an earlier endpoint is known`() throws {
        let before = Sample.rules()
        var rules = RuleSet()
        try rules.restore(before.snapshot())
        #expect(rules.snapshot() == before.snapshot())
        rules.know(tunnel: "redis", target: "127.0.0.1:6379", app: "redis-server")
        let restart = Sample.later
        _ = rules.look(at: Sample.started(restart, mode: "sealed"))
        #expect(rules.look(at: Sample.opened(1_000, at: restart + .seconds(1))).isEmpty)
        let new = rules.look(at: Sample.opened(1_000, executable: "/usr/bin/curl", at: restart + .seconds(2)))
        #expect(new.map(\.code) == ["identity.new"])
        var fresh = RuleSet()
        fresh.know(tunnel: "redis", target: "127.0.0.1:6379", app: "redis-server")
        _ = fresh.look(at: Sample.started(restart, mode: "sealed"))
        #expect(fresh.look(at: Sample.opened(1_000, executable: "/usr/bin/curl", at: restart + .seconds(2))).isEmpty)
    }

    @Test func `Endpoints that were live survive, and tunnels that are gone are forgotten`() throws {
        var world = KnownWorld()
        world.learn(Sample.started())
        for port in 5_000..<5_400 { world.learn(Sample.rotated(port, at: Sample.start)) }
        var restored = try KnownWorld(snapshot: world.snapshot())
        #expect(restored.tunnels["redis"]?.endpoints == world.tunnels["redis"]?.endpoints)
        #expect(restored.wasLive("127.9.8.7:5399", of: "redis"))
        restored.forget(besides: [])
        #expect(restored.tunnels.isEmpty)
    }

    @Test func `However much was learnt, there is room for many tunnels`() throws {
        var world = KnownWorld()
        world.learn(Sample.started())
        for number in 0..<200 {
            for program in 0..<256 {
                world.learn(
                    Sample.opened(
                        1_000, executable: "/opt/" + String(repeating: "y", count: 150) + "\(program)",
                        tunnel: "t\(number)", at: Sample.start))
            }
        }
        let bytes = world.snapshot()
        #expect(bytes.count <= KnownWorld.snapshotLimit)
        #expect(try KnownWorld(snapshot: bytes).tunnels.count >= 30)
    }

    @Test("Hostile bytes are refused, or are what is written the same way", arguments: SeededGenerator.seeds(10))
    func fuzz(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let book = try filled().snapshot()
        let learnt = Sample.rules().snapshot()
        let now = Sample.start + .seconds(60)
        for _ in 0..<500 {
            if let read = try? FindingBook(snapshot: generator.mutated(book), at: now) {
                #expect(try FindingBook(snapshot: read.snapshot(), at: now).findings == read.findings)
                #expect(read.findings.allSatisfy { (0...100).contains($0.risk) && (0...1).contains($0.confidence) })
            }
            if let read = try? KnownWorld(snapshot: generator.mutated(learnt)) {
                #expect(try KnownWorld(snapshot: read.snapshot()).tunnels.keys == read.tunnels.keys)
            }
        }
        for bytes in [[], [1], Array(book.dropLast()), book + [0], [UInt8](repeating: 1, count: 300 << 10)] {
            #expect(throws: DetectorStateError.self) { try FindingBook(snapshot: bytes, at: now) }
        }
        for bytes in [[], [1], Array(learnt.dropLast()), learnt + [0], [UInt8](repeating: 1, count: 400 << 10)] {
            #expect(throws: DetectorStateError.self) { try KnownWorld(snapshot: bytes) }
        }
    }
}
