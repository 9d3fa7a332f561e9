import DTMAPI
import DTMCore

/// Reports as a manager might send them.
enum Samples {
    static let now = Timestamp(seconds: 1_800_000_000)

    static func tunnel(
        _ name: String = "redis", target: String = "127.0.0.1:6379", tier: String = "fronted",
        endpoint: EndpointReport? = EndpointReport(host: "127.88.3.4", port: 5312), problem: String? = nil
    ) -> TunnelReport {
        TunnelReport(
            name: name, target: target, tier: tier, identity: "spiffe://x/tunnel/00", endpoint: endpoint, previous: [],
            epoch: 180_000_000, generation: 0, nextRotation: (now + .seconds(7)).rfc3339, rotations: 42,
            rotationFailures: 0, connections: .init(active: 3, total: 90, rejected: 1, failed: 0), bytesIn: 2_048,
            bytesOut: 5_242_880, certificate: nil, intervalSeconds: 10, overlapSeconds: 2, portRange: [5000, 6000],
            allow: ["uid:1000"], origin: "api", problem: problem)
    }

    static func status(
        degraded: [String] = [],
        protection: StatusReport.ProtectionReport? = .init(
            policy: "prefer", control: "secret", dataPlane: "secret", reason: nil, lapses: [])
    ) -> StatusReport {
        StatusReport(
            pid: 4242, uptimeSeconds: 11_530, version: "0.1.0", home: "/home/ada/.dtm", configuration: nil,
            state: .init(mode: "ephemeral"), autoTunnel: false, analysis: false, tunnels: 2,
            memory: .init(residentBytes: 32_715_571, lockedBytes: 131_072, protection: protection), cpuPercent: 0.42,
            processes: [
                .init(role: "launcher", pid: 4242, residentBytes: 2_202_010),
                .init(role: "control", pid: 4243, residentBytes: 20_971_520),
            ], degraded: degraded)
    }

    static func app(_ name: String, pid: Int32, listeners: [AppReport.Listener], tunnel: String? = nil) -> AppReport {
        AppReport(
            pid: pid, application: name, name: name, executable: nil, uid: 1000, user: "ada", state: "sleeping",
            cpuPercent: 1.25, residentBytes: 10_485_760, threads: 4, startedAt: now.rfc3339, cgroup: "/",
            listeners: listeners,
            connections: [], tunnel: tunnel, tier: tunnel == nil ? "none" : "fronted")
    }

    static func event(
        _ id: UInt64 = 1, kind: String = "tunnel.rotated", severity: Severity = .info, tunnel: String? = "redis",
        detail: [String: DetailValue] = ["to": "127.88.3.4:5312", "epoch": 9]
    ) -> EventReport {
        EventReport(
            id: id, time: now.rfc3339, kind: kind, severity: severity, tunnel: tunnel, app: nil, identity: nil,
            detail: detail)
    }
}
