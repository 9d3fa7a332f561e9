import DTMCore
import Testing

@testable import DTMAnalysis

@Suite struct FeatureTests {
    @Test func `a history keeps seconds, minutes and hours, each bounded`() {
        var history = MetricHistory()
        for second in 0..<(3_600 * 400) { history.append(Double(second % 60)) }
        #expect(history.recentSeconds.count == MetricHistory.seconds)
        #expect(history.recentMinutes.count == MetricHistory.minutes)
        #expect(history.recentHours.count == MetricHistory.hours)
        #expect(history.recentMinutes.allSatisfy { $0 == 29.5 } && history.recentHours.allSatisfy { $0 == 29.5 })
        #expect(history.latest == 59)
        history.append(.nan)
        history.append(.infinity)
        #expect(history.latest == 59)
    }

    @Test func `a meter counts a second and begins anew`() throws {
        var meter = TrafficMeter()
        let tunnel = TunnelID.random()
        let start = Timestamp(nanoseconds: 0)
        meter.take(TunnelCounters(active: 3, total: 10, rejected: 0, failed: 1, bytesIn: 100, bytesOut: 1_000))
        _ = meter.second()
        for index in 0..<4 {
            meter.began(
                FlowStart(
                    tunnel: tunnel, connection: UInt64(index), identity: "a\(index % 2)",
                    startedAt: start + .seconds(2 * index), peer: Endpoint("127.0.0.1:40000"),
                    local: try #require(Endpoint("127.0.0.1:5000")), owner: nil))
        }
        meter.ended(
            FlowRecord(
                tunnel: tunnel, connection: 0, identity: "a0", startedAt: start, endedAt: start + .seconds(3),
                bytesIn: 1,
                bytesOut: 1, ending: .finished))
        meter.take(TunnelCounters(active: 5, total: 14, rejected: 0, failed: 3, bytesIn: 150, bytesOut: 3_000))
        let values = meter.second()
        #expect(values[.opened] == 4 && values[.identities] == 2 && values[.peers] == 1 && values[.active] == 5)
        #expect(values[.failed] == 2 && values[.bytesIn] == 50 && values[.bytesOut] == 2_000)
        #expect(values[.duration] == 3 && values[.interArrival] == 2)
        let next = meter.second()
        #expect(next[.opened] == 0 && next[.bytesOut] == 0 && next[.active] == 5 && next[.duration] == nil)
        // A new data plane counts from zero.
        meter.lost()
        meter.take(TunnelCounters(active: 1, total: 1, bytesOut: 9))
        #expect(meter.second()[.bytesOut] == 0)
    }

    @Test func `many short connections are advised to be a pool`() {
        var profile = SubjectProfile(at: Timestamp(nanoseconds: 0))
        for _ in 0..<120 {
            _ = profile.take(
                Reading(.tunnel("t"), values: [.opened: 40, .duration: 0.1, .active: 4]), at: Timestamp(nanoseconds: 0))
        }
        let advice = PerformanceAdvisor.recommendations(for: profile, facts: nil)
        #expect(advice.map(\.code) == ["pool.connections"])
        #expect(advice.first?.evidence.contains("40") ?? false)
        #expect(TrafficPattern.words(for: profile).contains { $0.contains("40 new connections a second") })
    }

    @Test func `memory that only grows is told as a leak, and what grows and shrinks is not`() {
        func advice(_ memory: (Int) -> Double) -> [String] {
            var profile = SubjectProfile(at: Timestamp(nanoseconds: 0))
            for second in 0..<(240 * 60) {
                _ = profile.take(
                    Reading(.application("a"), values: [.memory: memory(second), .cpu: 1]),
                    at: Timestamp(nanoseconds: 0))
            }
            return PerformanceAdvisor.recommendations(for: profile, facts: nil).map(\.code)
        }
        #expect(advice { 100e6 + Double($0) * 20_000 } == ["leak.memory"])
        #expect(advice { 100e6 + Double($0 % 3_600) * 50_000 } == [])
    }

    @Test func `nothing is advised about a tunnel that idles`() {
        var profile = SubjectProfile(at: Timestamp(nanoseconds: 0))
        for _ in 0..<120 {
            _ = profile.take(
                Reading(.tunnel("t"), values: [.opened: 0, .active: 0, .bytesIn: 0, .bytesOut: 0]),
                at: Timestamp(nanoseconds: 0))
        }
        var facts = TunnelFacts()
        facts.maximumConnections = 4_096
        facts.overlapSeconds = 2
        facts.handshakeP99Milliseconds = 3
        #expect(PerformanceAdvisor.recommendations(for: profile, facts: facts).isEmpty)
        #expect(TrafficPattern.words(for: profile).first?.hasPrefix("Idle") ?? false)
    }
}
