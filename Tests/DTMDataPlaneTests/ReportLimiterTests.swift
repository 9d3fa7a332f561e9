import DTMCore
import Testing

@testable import DTMDataPlane

@Suite("What a flood of incidents becomes")
struct ReportLimiterTests {
    private let tunnel = TunnelID(high: 1, low: 2)

    private func incident(_ milliseconds: Int64, kind: Incident.Kind = .handshakeFailed, tunnel: TunnelID?) -> Incident
    {
        Incident(
            tunnel: tunnel, kind: kind, at: Timestamp(nanoseconds: milliseconds * 1_000_000),
            reason: "at \(milliseconds)")
    }

    @Test("few pass as they are")
    func few() {
        var limiter = ReportLimiter()
        for moment in 0..<Int64(ReportLimiter.mostPerSecond) {
            let told = limiter.take(incident(moment, tunnel: tunnel))
            #expect(told.map(\.count) == [1])
        }
        let held = limiter.flush(now: Timestamp(nanoseconds: 5_000_000_000))
        #expect(held.isEmpty)
    }

    @Test("of many, the rest is told once with its number, by the next one or by the flush")
    func many() {
        for flushes in [true, false] {
            var limiter = ReportLimiter()
            var told: [Incident] = []
            for moment in 0..<Int64(900) { told += limiter.take(incident(moment, tunnel: tunnel)) }
            #expect(told.count == ReportLimiter.mostPerSecond)
            told += limiter.flush(now: Timestamp(nanoseconds: 900_000_000))
            #expect(told.count == ReportLimiter.mostPerSecond)
            told +=
                flushes
                ? limiter.flush(now: Timestamp(nanoseconds: 1_000_000_000))
                : limiter.take(incident(1_500, tunnel: tunnel))
            #expect(told.reduce(0) { $0 + Int($1.count) } == (flushes ? 900 : 901))
            #expect(told[ReportLimiter.mostPerSecond].reason == "at 899")
            let left = limiter.flush(now: Timestamp(nanoseconds: 9_000_000_000))
            #expect(left.isEmpty)
        }
    }

    @Test("kinds and tunnels do not take each other's place")
    func apart() {
        var limiter = ReportLimiter()
        for _ in 0..<100 { _ = limiter.take(incident(0, tunnel: tunnel)) }
        let others = [
            incident(1, kind: .limitReached, tunnel: tunnel), incident(1, tunnel: TunnelID(high: 9, low: 9)),
            incident(1, tunnel: nil),
        ]
        for other in others {
            let told = limiter.take(other)
            #expect(told == [other])
        }
    }
}
