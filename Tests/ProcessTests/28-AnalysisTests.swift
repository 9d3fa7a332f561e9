import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// What the embedded analyst says of a real application.
    @Suite("28 analysis")
    struct AnalysisOfTraffic {
        @Test(
            "An application behind a tunnel is analysed by name, tunnel and PID, with what it does in words and figures"
        )
        func report() throws {
            let manager = try Manager(#"{"discovery": {"intervalSeconds": 1}}"#)
            let redis = try RedisServer(in: manager.directory)
            try manager.protect(redis.target, name: "redis", "--interval", "3600")
            let connection = try Connection(manager, to: "redis")
            let held = try connection.socket()
            try held.ping()
            let report = try awaited("no figures of the tunnel", within: .seconds(20)) {
                for _ in 0..<5 { try connection.socket().ping() }
                let outcome = try manager.dtm("analyze", "redis", "--json")
                try #require(outcome.status == 0, "\(outcome.errors)")
                let report = try outcome.decode(AnalysisReport.self)
                let tunnel = report.subjects.first { $0.kind == "tunnel" }
                let opened = tunnel?.metrics.first { $0.name == "opened" }
                let app = report.subjects.first { $0.kind == "application" }
                return (opened?.recent.contains { $0 > 0 } ?? false) && app?.metrics.isEmpty == false ? report : nil
            }
            #expect(report.enabled && report.verdict == "learning" && report.risk < 40)
            let app = try #require(report.subjects.first { $0.kind == "application" })
            #expect(app.pids?.count == 1 && app.metrics.contains { $0.name == "memory" && ($0.now ?? 0) > 1_000_000 })
            let tunnel = try #require(report.subjects.first { $0.kind == "tunnel" })
            #expect(tunnel.name == "redis" && tunnel.metrics.contains { $0.name == "bytes-out" })
            let pid = try #require(app.pids?.first)
            let byPID = try manager.dtm("analyze", "\(pid)", "--json").decode(AnalysisReport.self)
            #expect(Set(byPID.subjects.map(\.name)) == Set(report.subjects.map(\.name)))
            let text = try manager.dtm("analyze", "redis")
            #expect(text.output.contains("tunnel redis") && text.output.contains("bytes-out"), "\(text.output)")
        }

        @Test("What nobody knows is an error that says what to do, and switched off nothing is learnt")
        func unknown() throws {
            let manager = try Manager(#"{"analysis": {"enabled": false}}"#)
            let outcome = try manager.dtm("analyze", "nobody-knows-it", "--json")
            #expect(outcome.status == 1)
            #expect(try outcome.failure().error.code == "subject.unknown", "\(outcome.errors)")
            let redis = try RedisServer(in: manager.directory)
            try manager.protect(redis.target, name: "redis")
            let report = try manager.dtm("analyze", "redis", "--json").decode(AnalysisReport.self)
            #expect(!report.enabled && report.subjects.allSatisfy { $0.metrics.isEmpty })
        }
    }
}
