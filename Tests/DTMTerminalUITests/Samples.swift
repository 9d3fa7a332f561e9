import DTMAPI
import DTMCore

@testable import DTMTerminalUI

/// A manager's host as it might be: a database and a web server behind tunnels, others without, some with names that are meant
/// to do harm.
enum Samples {
    static let now = Timestamp(seconds: 1_800_000_000)

    static func app(
        _ name: String, _ pid: Int32, user: String = "ada", state: String = "sleeping", cpu: Double = 0.2,
        memory: UInt64 = 12_582_912, ports: [UInt16] = [], tunnel: String? = nil, connections: Int = 0,
        rate: Double? = nil
    ) -> AppReport {
        let tier = tunnel == nil ? "none" : "fronted"
        let listeners = ports.map { port in
            AppReport.Listener(protocol: "tcp", address: "127.0.0.1", port: port, tunnel: tunnel, tier: tier)
        }
        let local = "127.0.0.1:\(ports.first ?? 40_000)"
        var report = AppReport(
            pid: pid, application: name, name: name, executable: "/usr/bin/\(name)", uid: 1_000, user: user,
            state: state, cpuPercent: cpu, residentBytes: memory, threads: 4,
            startedAt: (now - .seconds(3_600)).rfc3339, cgroup: "/user.slice", listeners: listeners,
            connections: (0..<connections).map { connection($0, local) }, tunnel: tunnel, tier: tier)
        report.rate = rate.map { .init(bytesInPerSecond: $0 / 4, bytesOutPerSecond: $0 * 3 / 4) }
        report.arguments = "\(name) --port \(ports.first ?? 0)"
        report.descriptors = 17
        report.parent = 1
        return report
    }

    private static func connection(_ index: Int, _ local: String) -> AppReport.Connection {
        AppReport.Connection(
            local: local, remote: "127.0.0.1:\(50_000 + index)", peerPid: index == 0 ? 4_244 : nil,
            state: "established", bytesIn: 1_024 * UInt64(index + 1), bytesOut: index == 1 ? nil : 9_000, rttMicros: 42)
    }

    static func tunnel(
        _ name: String, target: String, host: String, port: UInt16, next: Double = 7, active: UInt32 = 3,
        problem: String? = nil
    ) -> TunnelReport {
        var report = TunnelReport(
            name: name, target: target, tier: "fronted",
            identity: "spiffe://4a7c1e/tunnel/5f0e7d61b0c24d8e9b1a2c3d4e5f6071",
            endpoint: problem == nil ? EndpointReport(host: host, port: port) : nil,
            previous: [.init(host: "127.9.8.7", port: 5_111, role: "overlap")],
            epoch: 180_000_000, generation: 1, nextRotation: (now + .milliseconds(Int64(next * 1_000))).rfc3339,
            rotations: 42, rotationFailures: 1,
            connections: .init(active: active, total: 90, rejected: 1, failed: 0), bytesIn: 2_048, bytesOut: 5_242_880,
            certificate: .init(
                serial: "7f3a9c", notBefore: (now - .seconds(600)).rfc3339, notAfter: (now + .seconds(3_000)).rfc3339,
                renewals: 2),
            intervalSeconds: 10, overlapSeconds: 2, portRange: [5_000, 6_000], allow: ["uid:1000", "uid:0"],
            origin: "api", problem: problem)
        report.decoys = 33
        let timing = TimingReport(
            count: 42, p50Micros: 900, p99Micros: 2_100, maximumMicros: 2_600,
            buckets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 30, 6, 2])
        report.timings = .init(rotation: timing, handshake: timing, lifetime: .init())
        return report
    }

    static func status(tunnels: Int = 2, degraded: [String] = []) -> StatusReport {
        StatusReport(
            pid: 4_242, uptimeSeconds: 11_530, version: "0.1.0", home: "/home/ada/.dtm", configuration: nil,
            state: .init(mode: "ephemeral"), autoTunnel: false, analysis: false, tunnels: tunnels,
            memory: .init(
                residentBytes: 46_715_571, lockedBytes: 131_072,
                protection: .init(policy: "prefer", control: "secret", dataPlane: "secret", reason: nil, lapses: [])),
            cpuPercent: 0.42,
            processes: [
                .init(role: "launcher", pid: 4_242, residentBytes: 2_202_010),
                .init(role: "control", pid: 4_243, residentBytes: 20_971_520),
                .init(role: "dataplane", pid: 4_244, residentBytes: 16_971_520),
            ], degraded: degraded)
    }

    static func event(
        _ id: UInt64, _ kind: String, _ severity: Severity = .info, tunnel: String? = "redis",
        _ detail: [String: DetailValue]
    ) -> EventReport {
        EventReport(
            id: id, time: (now - .seconds(Int64(100 - id))).rfc3339, kind: kind, severity: severity, tunnel: tunnel,
            app: nil, identity: nil, detail: detail)
    }

    static var events: [EventReport] {
        [
            event(1, "manager.started", .notice, tunnel: nil, ["mode": "ephemeral", "version": "0.1.0"]),
            event(
                2, "tunnel.rotated", .info,
                ["host": "127.88.3.4", "port": 5_312, "handshakeMicros": 1_200, "switchMicros": 900]),
            event(
                3, "connect.granted", .info, ["reason": "rule uid:1000", "user": "ada", "executable": "/usr/bin/dtm"]),
            event(4, "decoy.touched", .warning, ["count": 3, "peer": "127.0.0.1:40112", "reason": "no client hello"]),
            event(5, "connect.denied", .warning, ["reason": "no rule admits uid 1001", "user": "mallory"]),
        ]
    }

    static var findings: FindingList {
        var list = FindingList(
            available: true,
            findings: [
                FindingReport(
                    id: "5f0e7d61b0c2", time: (now - .seconds(40)).rfc3339, app: "redis-server", tunnel: "redis",
                    risk: 85, verdict: "threat", title: "A decoy was touched",
                    evidence: ["uid 1001 (mallory)", "executable /usr/bin/nmap", "cause not_tls", "at 127.3.2.1:5222"],
                    source: "rule", action: "find out what the program is", code: "decoy.touched",
                    since: (now - .seconds(600)).rfc3339, count: 3, subject: "program:uid 1001 /usr/bin/nmap",
                    confidence: 0.95, wrongWhen: "a scanner of the house looked through the ports"),
                FindingReport(
                    id: "0123456789ab", time: (now - .seconds(7_000)).rfc3339, app: nil, tunnel: nil, risk: 15,
                    verdict: "notable", title: "The wall clock was set", evidence: ["seconds 30.0"], source: "rule",
                    action: nil, code: "clock.jumped"),
            ])
        let arithmetic = "100 × (1 − (1 − 0.85·0.95·1.00)) = 81"
        list.total = 2
        list.risk = FindingRisk(
            machine: 83, threshold: 70, arithmetic: "100 × (1 − (1 − 0.85·0.95·1.00)(1 − 0.15·0.80·0.84)) = 83",
            apps: [.init(name: "redis-server", risk: 81, arithmetic: arithmetic)],
            tunnels: [.init(name: "redis", risk: 81, arithmetic: arithmetic)])
        return list
    }

    /// A proposal against the program of the first finding, what is in force against it and its tunnel, and something else.
    static var responses: ResponseList {
        func entry(_ id: String, _ rung: String, _ subject: String, _ state: String, minutes: Int) -> ResponseList.Entry
        {
            ResponseList.Entry(
                id: id, rung: rung, subject: subject, tunnel: "redis", reason: "a decoy was touched, risk 85",
                since: (now - .seconds(90)).rfc3339, expires: (now + .seconds(minutes * 60)).rfc3339, state: state,
                endedAt: nil)
        }
        let nmap = "program:uid 1001 /usr/bin/nmap"
        return ResponseList(
            mode: "protect", stopped: false,
            active: [
                entry("r5", "raise-decoys", nmap, "active", minutes: 8),
                entry(
                    "r6", "throttle", "identity:spiffe://4a7c1e/connector/uid-1002.evil\u{1b}[1m", "active", minutes: 9),
                entry("r7", "quarantine", nmap, "active", minutes: 10),
            ], pending: [entry("r17", "stop-application", nmap, "proposed", minutes: 1_400)], past: [])
    }

    /// What the analyst might say of the database and its tunnel.
    static var analysis: AnalysisReport {
        func metric(_ name: String, _ unit: String, _ scale: Double, score: Double?) -> AnalysisReport.MetricFigures {
            let recent = (0..<120).map { scale * Double(($0 * 7) % 11) * ($0 > 100 ? 4 : 1) }
            return .init(
                name: name, unit: unit, now: recent.last, minute: scale * 9, hour: score == nil ? nil : scale * 5,
                score: score, recent: recent)
        }
        return AnalysisReport(
            asked: "redis", enabled: true,
            subjects: [
                .init(
                    kind: "application", name: "redis-server", pids: [1_234], since: (now - .seconds(3_000)).rfc3339,
                    learning: false, reasons: [],
                    patterns: [
                        "Both ways alike: 1.2 MiB/s in, 1.4 MiB/s out.", "Connections last 4.2 s on average.",
                    ],
                    recommendations: [],
                    metrics: [metric("cpu", "%", 0.7, score: 0.2), metric("memory", "B", 9e6, score: nil)]),
                .init(
                    kind: "tunnel", name: "redis", pids: nil, since: (now - .seconds(300)).rfc3339, learning: true,
                    reasons: [
                        "bytes-out is 41 MiB/s, usual at this time are 1.4 MiB/s: more than all of the last hour, for 40 s."
                    ],
                    patterns: ["12 new connections a second over the last two minutes, 3 open."],
                    recommendations: [
                        .init(
                            code: "pool.connections",
                            advice:
                                "Let the client keep a pool of about 24 connections: each new one costs a handshake.",
                            evidence: "12 new connections a second that last 310 ms, 12 at a time")
                    ],
                    metrics: [
                        metric("opened", "1/s", 2, score: 0.31), metric("active", "", 1, score: 0.4),
                        metric("bytes-out", "B/s", 1_400_000, score: 0.97), metric("touches", "1/s", 0, score: 0),
                    ]),
            ], risk: 81, arithmetic: "100 × (1 − (1 − 0.85·0.95·1.00)) = 81", verdict: "threat",
            findings: [findings.findings[0]])
    }

    static var apps: [AppReport] {
        [
            app(
                "redis-server", 1_234, cpu: 1.5, ports: [6_379], tunnel: "redis", connections: 3, rate: 1_500_000),
            app("nginx", 2_345, user: "www-data", ports: [8_080, 8_443], tunnel: "web", connections: 1, rate: 0),
            app("nginx", 2_346, user: "www-data", ports: [8_080, 8_443], tunnel: "web"),
            app("python3", 3_456, state: "running", cpu: 97.31, memory: 1_288_490_188, ports: [8_000]),
            app("evil\u{1b}[31m\u{202e}txt", 3_457, user: "mallory", ports: [9_999]),
            app("日本語サーバー", 3_458, ports: [9_998]),
            app("e\u{301}\u{302}\u{303}\u{304}mile👩‍💻🇩🇪", 3_459, ports: [9_997]),
            app("firefox", 4_244, memory: 812_646_400, connections: 5, rate: 12_000),
            app("sleep", 5_000),
        ]
    }

    static func snapshot(_ change: (inout LiveUpdate) -> Void = { _ in }) -> LiveUpdate {
        var update = LiveUpdate(isSnapshot: true, time: (now - .seconds(20)).rfc3339)
        update.maySteer = true
        update.status = status()
        update.apps = apps
        update.tunnels = [
            tunnel("redis", target: "127.0.0.1:6379", host: "127.88.3.4", port: 5_312),
            tunnel("web", target: "127.0.0.1:8080", host: "127.201.113.240", port: 5_977, next: 2.4, active: 1),
        ]
        update.picture = .init(AppList(apps: []))
        update.state = StateReport(mode: "ephemeral")
        update.findings = FindingList(available: false, findings: [])
        update.events = events
        change(&update)
        return update
    }

    /// A console that has seen traffic for some seconds.
    static func model(
        rows: Int = 40, columns: Int = 120, glyphs: Glyphs = .unicode, options: ConsoleOptions = ConsoleOptions(),
        _ change: (inout LiveUpdate) -> Void = { _ in }
    ) -> ConsoleModel {
        var model = ConsoleModel(
            options: options, canvas: Canvas(rows: rows, columns: columns, glyphs: glyphs))
        _ = model.apply(.update(snapshot(change)))
        for second in 1...20 {
            var update = LiveUpdate(isSnapshot: false, time: (now - .seconds(Int64(20 - second))).rfc3339)
            let wave = Double((second * 7) % 11)
            update.apps = [
                app(
                    "redis-server", 1_234, cpu: 1.5, ports: [6_379], tunnel: "redis", connections: 3,
                    rate: wave * 100_000)
            ]
            var redis = tunnel("redis", target: "127.0.0.1:6379", host: "127.88.3.4", port: 5_312)
            redis.bytesOut += UInt64(second * 90_000)
            update.tunnels = [redis]
            _ = model.tick(at: .seconds(second))
            _ = model.apply(.update(update))
        }
        return model
    }
}

extension ConsoleModel {
    /// Presses keys one after the other.
    @discardableResult
    mutating func press(_ keys: Key...) -> [Effect] { keys.flatMap { handle($0) } }

    /// The screen as text.
    var text: String { ConsoleView.grid(self).lines.joined(separator: "\n") + "\n" }
}
