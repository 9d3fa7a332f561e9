import DTMAPI
import DTMCore
import DTMText
import Testing

@testable import DTMCommands

@Suite struct ViewTests {
    private let now = Samples.now

    @Test func `Status is a calm summary`() {
        #expect(
            StatusView.lines(Samples.status(), .plain) == [
                "dtm 0.1.0 is running (pid 4242, up 3 h 12 min)",
                "  home           /home/ada/.dtm",
                "  configuration  defaults: there is no config.json",
                "  state          ephemeral: keys and certificates live in memory and end with the manager",
                "  tunnels        2",
                "  auto-tunnel    off",
                "  analysis       off",
                "  memory         31.2 MiB resident, 128 KiB locked",
                "  secrets        in secret memory (memory.protection is prefer)",
                "  processor      0.4 % of one core",
                "  processes      launcher 4242 (2.1 MiB), control 4243 (20.0 MiB)",
                "All is well.",
            ])
    }

    @Test func `Status says where secrets lie, and why not better`() {
        func secrets(_ protection: StatusReport.ProtectionReport?) -> String? {
            StatusView.lines(Samples.status(protection: protection), .plain).first { $0.contains("  secrets ") }
        }
        var report = StatusReport.ProtectionReport(
            policy: "prefer", control: "locked", dataPlane: "locked", reason: "memfd_secret: no", lapses: [])
        #expect(
            secrets(report) == "  secrets        in locked memory (memory.protection is prefer): memfd_secret: no")
        report.control = "secret"
        #expect(secrets(report)?.contains("control in secret memory, data plane in locked memory") == true)
        #expect(secrets(nil)?.hasSuffix("not told") == true)
    }

    @Test func `Status names what is not as it should be`() {
        let lines = StatusView.lines(Samples.status(degraded: ["the data plane restarted \u{1b}[2J"]), .plain)
        #expect(lines.suffix(2) == ["Not all is well:", #"  the data plane restarted \x1b[2J"#])
    }

    @Test func `Tunnels are a table, and problems follow it`() {
        let list = TunnelList(tunnels: [
            Samples.tunnel(),
            Samples.tunnel("web", target: "unix:/run/web.sock", endpoint: nil, problem: "the target is gone"),
        ])
        #expect(
            TunnelsView.lines(list, .plain, now: now) == [
                "NAME   TARGET              TIER     ENDPOINT         NEXT    ROTATIONS  CONN       IN      OUT",
                "redis  127.0.0.1:6379      fronted  127.88.3.4:5312  in 7 s         42     3  2.0 KiB  5.0 MiB",
                "web    unix:/run/web.sock  fronted  none yet         in 7 s         42     3  2.0 KiB  5.0 MiB",
                "web: the target is gone",
            ])
    }

    @Test func `Without tunnels it says how to get one`() {
        #expect(TunnelsView.lines(TunnelList(tunnels: []), .plain, now: now).first?.contains("dtm protect") == true)
    }

    @Test func `An event is one line`() {
        #expect(
            EventLine.text(Samples.event(), .plain)
                == "2027-01-15T08:00:00.000Z  info      tunnel.rotated          redis         epoch=9 to=127.88.3.4:5312"
        )
        let plain = Samples.event(kind: "manager.started", tunnel: nil, detail: [:])
        #expect(EventLine.text(plain, .plain) == "2027-01-15T08:00:00.000Z  info      manager.started         -")
    }

    @Test func `What a peer wrote into an event can't act on the terminal`() {
        let event = Samples.event(kind: "a\u{1b}b", tunnel: "t\r", detail: ["k\n": .string("v \u{9b}1m\"")])
        let line = EventLine.text(event, .plain)
        #expect(line.hasSuffix(#"k\n="v \x9b1m"""#))
        #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) })
    }

    @Test(arguments: [40, 80, 120]) func `On a terminal an event is one row of it`(width: Int) {
        let style = TextStyle(width: width, hasColour: false)
        let long = String(repeating: "word ", count: 60)
        let event = Samples.event(
            kind: "connection.refused", severity: .warning, detail: ["a": "first", "reason": .string(long)])
        let line = EventLine.text(event, style)
        #expect(columns(of: line) <= max(width, 60))
        #expect(line.hasPrefix("08:00:00  warning   connection.refused"))
        #expect(width < 80 || line.contains("redis") && line.contains("word"))
        #expect(EventLine.day(event, style) == "2027-01-15, times in UTC")
    }

    @Test func `The status of a manager on a terminal has its tunnels, those with a problem first`() {
        let list = TunnelList(
            tunnels: (1...14).map { Samples.tunnel("tunnel-\($0)") } + [Samples.tunnel("zebra", problem: "refused")])
        let style = TextStyle(width: 100, hasColour: false)
        let lines = StatusView.tunnels(list, style, now: now, suffix: "")
        #expect(lines.dropFirst(2).first?.contains("zebra") == true, "\(lines)")
        #expect(lines.contains { $0.contains("and 3 more: dtm tunnels") })
        #expect(lines.last?.contains("dtm ui") == true)
        #expect(StatusView.tunnels(list, .plain, now: now, suffix: "").isEmpty)
        let none = StatusView.tunnels(TunnelList(tunnels: []), style, now: now, suffix: " --home /x")
        #expect(none.contains { $0.contains("dtm protect 127.0.0.1:PORT --home /x") })
    }

    @Test func `Protecting ends with the command to type next`() {
        let answer = ProtectAnswer(tunnel: Samples.tunnel(), notes: ["127.0.0.1:6379 is still open"])
        #expect(
            ProtectView.lines(answer, .plain, now: now, suffix: " --home '/a b'") == [
                "redis is behind a tunnel.",
                "  target    127.0.0.1:6379",
                "  tier      fronted: the tunnel stands in front of its port",
                "  endpoint  127.88.3.4:5312, moves in 7 s",
                "  allowed   uid:1000",
                "note: 127.0.0.1:6379 is still open",
                "Use it:",
                "  dtm connect redis --listen 127.0.0.1:6380 --home '/a b'",
            ])
    }

    @Test func `A Unix target gets a free port`() {
        let answer = ProtectAnswer(tunnel: Samples.tunnel(target: "unix:/x"), notes: [])
        #expect(
            ProtectView.lines(answer, .plain, now: now, suffix: "").last == "  dtm connect redis --listen 127.0.0.1:0")
    }

    @Test func `A rotation that failed says why`() {
        let answer = RotateAnswer(rotations: [
            .init(
                tunnel: "redis", endpoint: EndpointReport(host: "::1", port: 5001), epoch: 9, generation: 1,
                failure: nil),
            .init(tunnel: "web", endpoint: nil, epoch: 9, generation: 0, failure: "no free port"),
        ])
        #expect(
            RotationView.lines(answer, .plain) == [
                "NAME   ENDPOINT    EPOCH  GENERATION  RESULT", "redis  [::1]:5001      9           1  moved",
                "web    -               9           0  no free port",
            ])
    }

    @Test func `Certificates show when they expire`() {
        let entry = CertificateList.Entry(
            serial: "0a1b", identity: "spiffe://x/tunnel/00", role: "listener", tunnel: "redis", notBefore: now.rfc3339,
            notAfter: (now + .seconds(3_000)).rfc3339, status: "valid")
        #expect(
            CertificatesView.lines(CertificateList(trustDomain: "x", certificates: [entry]), .plain, now: now) == [
                "Trust domain: x",
                "SERIAL  ROLE      TUNNEL  STATUS  EXPIRES    IDENTITY",
                "0a1b    listener  redis   valid   in 50 min  spiffe://x/tunnel/00",
            ])
    }

    @Test func `A reload says what changed and what waits`() {
        let answer = ReloadAnswer(
            configuration: "/x/config.json", changes: ["rotation.intervalSeconds: 10 → 5"],
            needsRestart: ["logging.level"])
        #expect(
            ReloadView.lines(answer, .plain) == [
                "Reloaded /x/config.json: 1 change.", "  rotation.intervalSeconds: 10 → 5",
                "with the next start: logging.level",
            ])
    }
}
