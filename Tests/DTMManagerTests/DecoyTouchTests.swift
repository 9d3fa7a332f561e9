import DTMCertificates
import DTMCore
import DTMPlan
import DTMTelemetry
import DTMTunnel
import Synchronization
import Testing

@testable import DTMManager

@Suite struct DecoyTouchTests {
    private static let owner = SocketOwner(uid: 1_001, inode: 77)

    private func touch(uid: UInt32? = 1_001, count: UInt32 = 1) -> Incident {
        Incident(
            tunnel: nil, kind: .decoyTouched, at: Samples.now, count: count, peer: Endpoint("127.0.0.1:40000"),
            local: Endpoint("127.4.5.6:5100"), reason: "why", owner: uid.map { SocketOwner(uid: $0, inode: 77) },
            sent: SentBytes(count: 900, first: Array("GET / HTTP/1.0".utf8)))
    }

    private func event(uid: UInt32?, executable: String? = nil) -> Event {
        let program = executable.map { path in
            ConnectingProgram(uid: uid ?? 0, holders: [ProgramFacts(pid: 9, executable: path)])
        }
        return EventTranslation { _ in nil }.event(TouchDesk.Found(incident: touch(uid: uid), program: program))
    }

    @Test func `a touch tells the user, the program, and what was sent, without a word of it`() {
        let event = event(uid: 1_001, executable: "/usr/bin/nmap")
        #expect(event.kind == Event.Kind.decoyTouched && event.severity == .warning)
        #expect(event.detail["uid"] == .integer(1_001) && event.detail["inode"] == .integer(77))
        #expect(event.detail["executable"] == .string("/usr/bin/nmap") && event.detail["pid"] == .integer(9))
        #expect(event.detail["sent"] == .string("HTTP request") && event.detail["sentBytes"] == .integer(900))
        #expect(event.detail["sentFirst"] == .string(Hexadecimal.encode(Array("GET / HTTP/1.0".utf8))))
    }

    @Test func `the first touch of everybody is told at once, a sweep in few events that count all`() {
        var book = TouchBook()
        let peer = Endpoint("127.0.0.1:40000")
        var told: [Event] = []
        for _ in 0..<1_000 {
            for program in ["/usr/bin/nmap", "/usr/bin/python3"] {
                for uid in [UInt32(1_001), 1_002] {
                    let due = book.admit(event(uid: uid, executable: program), peer: peer, count: 1, now: Samples.now)
                    told += [due].compactMap(\.self)
                }
            }
        }
        #expect(told.count == 8)
        #expect(Set(told.map { "\($0.detail["uid"] ?? "") \($0.detail["executable"] ?? "")" }).count == 4)
        told += book.flush(now: Samples.now + .seconds(11))
        #expect(told.count == 12)
        let total = told.reduce(Int64(0)) { sum, event in
            if case .integer(let count)? = event.detail["count"] { sum + count } else { sum }
        }
        #expect(total == 4_000)
        #expect(book.flush(now: Samples.now + .seconds(40)).isEmpty)
    }

    @Test func `addresses tell those apart whose user is not known`() {
        var book = TouchBook()
        for last in 1...5 {
            let due = book.admit(
                event(uid: nil), peer: Endpoint("10.0.0.\(last):1"), count: 1, now: Samples.now)
            #expect(due != nil)
        }
    }

    private struct OneProgram: ProgramFinding {
        let found: ConnectingProgram?
        func program(behind peer: LocalPeer, digests: Bool) async -> ConnectingProgram? { found }
    }

    @Test func `the desk takes no other user's program for the toucher's, and loses nothing at its end`() async {
        for (uid, isFound) in [(UInt32(1_001), true), (7, false)] {
            let told = Mutex<[TouchDesk.Found]>([])
            let holders = [ProgramFacts(pid: 9)]
            let programs = OneProgram(found: ConnectingProgram(uid: uid, holders: holders))
            let (signals, signal) = AsyncStream<Void>.makeStream()
            let desk = TouchDesk(programs: programs) { found in
                told.withLock { $0.append(found) }
                signal.yield()
            }
            let taken = (0..<300).map { _ in desk.take(touch()) }
            #expect(taken.count { $0 } == TouchDesk.capacity)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await desk.run() }
                var count = 0
                for await _ in signals {
                    count += 1
                    if count == TouchDesk.capacity { break }
                }
                group.cancelAll()
            }
            let founds = told.withLock { $0 }
            #expect(founds.count == TouchDesk.capacity)
            #expect(founds.allSatisfy { ($0.program != nil) == isFound })
        }
    }

    @Test func `decoys can be raised and put back, and a plan is written only when that changes something`()
        async throws
    {
        let clock = HeldClock()
        let recorder = Samples.recorder(clock)
        let certificates = try CertificateService(policy: .defaults, clock: clock, recorder: recorder)
        let registry = TunnelRegistry(
            defaults: TunnelDefaults(), trust: certificates.initialSnapshot, anchor: ClockAnchor(offsetNanoseconds: 0),
            clock: clock, outbox: DataPlaneOutbox(), recorder: recorder)
        let id = try await registry.add(try Samples.draft("redis"), destination: .unix(path: "/x"))
        var seen: [UInt64] = []
        for (wanted, expected) in [
            (nil, 31), (255, 255), (255, 255), (99_999, 1_000), (-5, 0), (nil, 31), (nil, 31),
        ] as [(Int?, UInt16)] {
            await registry.setDecoys(wanted, of: id)
            let plan = try found(await registry.author.current)
            #expect(plan.tunnels.map(\.decoys) == [expected])
            seen.append(plan.version)
        }
        #expect(seen == [1, 2, 2, 3, 4, 5, 5])
    }
}
