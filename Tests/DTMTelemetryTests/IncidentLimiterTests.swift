import DTMCore
import DTMTelemetry
import Testing

@Suite("Floods of incidents")
struct IncidentLimiterTests {
    private let start = Timestamp(seconds: 1_000)
    private let kind = "handshake.failed"

    @Test("Ten thousand failures become a few events whose counts add up")
    func flood() {
        var limiter = IncidentLimiter()
        var counts: [UInt64] = []
        // 10,000 in 20 seconds.
        for number in 0..<10_000 {
            let now = start + .milliseconds(2 * number)
            if let count = limiter.admit(kind: kind, tunnel: "redis", now: now) { counts.append(count) }
        }
        counts += limiter.flush(now: start + .seconds(31)).map(\.count)
        #expect(counts.prefix(5) == [1, 1, 1, 1, 1])
        #expect(counts.count <= 8)
        #expect(counts.reduce(0, +) == 10_000)
    }

    @Test("A tunnel's flood leaves other tunnels and other kinds alone")
    func apart() {
        var limiter = IncidentLimiter(burst: 1)
        #expect(limiter.admit(kind: kind, tunnel: "a", now: start) == 1)
        #expect(limiter.admit(kind: kind, tunnel: "a", now: start) == nil)
        #expect(limiter.admit(kind: kind, tunnel: "b", now: start) == 1)
        #expect(limiter.admit(kind: "decoy.touched", tunnel: "a", now: start) == 1)
        #expect(limiter.admit(kind: kind, tunnel: nil, now: start) == 1)
    }

    @Test("Reports that stand for several are counted as several")
    func weighted() {
        var limiter = IncidentLimiter(burst: 1)
        #expect(limiter.admit(kind: kind, tunnel: nil, count: 40, now: start) == 40)
        #expect(limiter.admit(kind: kind, tunnel: nil, count: 7, now: start) == nil)
        #expect(limiter.admit(kind: kind, tunnel: nil, count: .max, now: start) == nil)
        #expect(limiter.flush(now: start + .seconds(10)).map(\.count) == [.max])
    }

    @Test("After a quiet time a burst passes again")
    func quiet() {
        var limiter = IncidentLimiter(burst: 2, interval: .seconds(1))
        func admitted(_ limiter: inout IncidentLimiter, at now: Timestamp) -> Int {
            (0..<5).count { _ in limiter.admit(kind: kind, tunnel: nil, now: now) != nil }
        }
        #expect(admitted(&limiter, at: start) == 2)
        #expect(admitted(&limiter, at: start + .seconds(1)) == 1)
        #expect(admitted(&limiter, at: start + .seconds(1_000_000)) == 2)
    }

    @Test("Time that runs backwards lets nothing more through, and does not stop the limiter for good")
    func backwards() {
        var limiter = IncidentLimiter(burst: 1, interval: .seconds(1))
        #expect(limiter.admit(kind: kind, tunnel: nil, now: start) == 1)
        #expect(limiter.admit(kind: kind, tunnel: nil, now: start - .seconds(3_600)) == nil)
        #expect(limiter.admit(kind: kind, tunnel: nil, now: start - .seconds(3_598)) == 2)
    }

    @Test("What is held back is told once")
    func flushOnce() {
        var limiter = IncidentLimiter(burst: 1, interval: .seconds(1))
        for _ in 0..<3 { _ = limiter.admit(kind: kind, tunnel: "a", now: start) }
        #expect(limiter.flush(now: start).isEmpty)
        let backlog = limiter.flush(now: start + .seconds(1))
        #expect(backlog.map(\.key) == [.init(kind: kind, tunnel: "a")])
        #expect(backlog.map(\.count) == [2])
        #expect(limiter.flush(now: start + .seconds(2)).isEmpty)
    }

    @Test("Memory is bounded however many tunnels there are")
    func bounded() {
        var limiter = IncidentLimiter(burst: 1, maximumKeys: 10)
        for number in 0..<1_000 {
            #expect(limiter.admit(kind: kind, tunnel: "t\(number)", now: start + .seconds(number)) == 1)
            _ = limiter.admit(kind: kind, tunnel: "t\(number)", now: start + .seconds(number))
        }
        #expect(limiter.flush(now: start + .seconds(10_000)).count <= 10)
    }
}
