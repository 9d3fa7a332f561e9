import DTMAPI
import DTMCore
import DTMText
import Testing

@testable import DTMCommands

@Suite struct AppsViewTests {
    private let redis = Samples.app(
        "redis", pid: 7,
        listeners: [.init(protocol: "tcp", address: "127.0.0.1", port: 6379, tunnel: "redis", tier: "fronted")],
        tunnel: "redis")
    private let dns = Samples.app("dns", pid: 8, listeners: [.init(protocol: "udp6", address: "::1", port: 53)])
    private let shell = Samples.app("sh", pid: 9, listeners: [])

    private func web() -> AppReport {
        var app = Samples.app(
            "web", pid: 20,
            listeners: [
                .init(protocol: "unix", address: "/run/web.sock", port: 0),
                .init(protocol: "tcp6", address: "::", port: 8080),
                .init(protocol: "tcp", address: "0.0.0.0", port: 8080),
                .init(protocol: "tcp", address: "127.0.0.1", port: 9090),
                .init(protocol: "tcp", address: "127.0.0.1", port: 9091),
            ])
        app.cpuPercent = 20
        app.connections = [
            .init(
                local: "127.0.0.1:8080", remote: "127.0.0.1:50000", peerPid: 7, state: "established", bytesIn: 10,
                bytesOut: 2_048, rttMicros: 40),
            .init(
                local: "127.0.0.1:8080", remote: "127.0.0.1:50001", peerPid: 7, state: "established", bytesIn: 10,
                bytesOut: nil, rttMicros: 60),
            .init(
                local: "127.0.0.1:50002", remote: "10.0.0.5:5432", peerPid: nil, state: "established", bytesIn: nil,
                bytesOut: nil, rttMicros: nil),
        ]
        app.arguments = "web --serve"
        app.descriptors = 12
        app.unit = "web.service"
        return app
    }

    private let stranger = AppList.Unattributed(protocol: "tcp", address: "0.0.0.0", port: 22, uid: 0, user: "root")

    private func style(_ width: Int) -> TextStyle { TextStyle(width: width, hasColour: false) }

    @Test func `What listens comes first, then what uses most, and what has no sockets is counted`() {
        var list = AppList(apps: [shell, dns, redis, web()])
        list.unattributed = [stranger, .init(protocol: "unix", address: "/run/x", port: 0, uid: nil, user: nil)]
        #expect(
            AppsView(list: list).text(.plain).lines() == [
                "PID  APPLICATION  USER  TIER     TUNNEL  CPU %    MEMORY  CONN  LISTENS AT",
                " 20  web          ada   none     -        20.0  10.0 MiB     3  *:8080 127.0.0.1:9090 127.0.0.1:9091 +1",
                "  8  dns          ada   none     -         1.3  10.0 MiB     0  udp:[::1]:53",
                "  7  redis        ada   fronted  redis     1.3  10.0 MiB     0  127.0.0.1:6379",
                "  ?  ?            root  none     -           ?         ?     ?  0.0.0.0:22",
                "1 process without sockets is not shown: dtm apps --all",
                "?: no process that can be seen holds this listener, as with the kernel's own.",
                "hint: web has no tunnel: dtm protect 127.0.0.1:8080",
            ])
    }

    @Test func `Unknown listeners stand behind what listens, or last where another order was asked for`() {
        var client = shell
        client.connections = web().connections
        var list = AppList(apps: [client, redis])
        list.unattributed = [stranger]
        let first = { (view: AppsView) in
            view.text(.plain).body.dropFirst().compactMap { $0.split(separator: " ").first.map(String.init) }
        }
        #expect(first(AppsView(list: list)) == ["7", "?", "9"])
        #expect(first(AppsView(list: list, order: .connections)) == ["9", "7", "?"])
    }

    @Test func `80 columns are enough, and a narrow column counts what it can't name`() {
        var long = web()
        long.application = "an-application-with-a-very-long-name"
        long.pid = 4_194_304
        var list = AppList(apps: [redis, long, shell])
        list.unattributed = [stranger]
        let text = AppsView(list: list).text(style(80))
        #expect(text.lines().allSatisfy { columns(of: $0) <= 80 })
        #expect(
            text.body == [
                "    PID  APPLICATION       USER  TUNNEL  CPU %    MEMORY  CONN  LISTENS AT",
                "4194304  an-application-…  ada   -        20.0  10.0 MiB     3  *:8080 +3",
                "      7  redis             ada   redis     1.3  10.0 MiB     0  127.0.0.1:6379",
                "      ?  ?                 root  -           ?         ?     ?  0.0.0.0:22",
            ])
    }

    @Test func `Without a tunnel 80 columns show the tier`() {
        #expect(
            AppsView(list: AppList(apps: [web(), dns])).text(style(80)).body == [
                "PID  APPLICATION  USER  TIER  CPU %    MEMORY  CONN  LISTENS AT",
                " 20  web          ada   none   20.0  10.0 MiB     3  *:8080 127.0.0.1:9090 +2",
                "  8  dns          ada   none    1.3  10.0 MiB     0  udp:[::1]:53",
            ])
    }

    @Test func `120 columns show all`() {
        #expect(
            AppsView(list: AppList(apps: [web(), redis])).text(style(120)).body == [
                "PID  APPLICATION  USER  TIER     TUNNEL  CPU %    MEMORY  CONN  LISTENS AT",
                " 20  web          ada   none     -        20.0  10.0 MiB     3  *:8080 127.0.0.1:9090 127.0.0.1:9091 +1",
                "  7  redis        ada   fronted  redis     1.3  10.0 MiB     0  127.0.0.1:6379",
            ])
    }

    @Test func `Wide characters take two columns`() {
        let apps = [Samples.app("数据库服务器", pid: 7, listeners: []), Samples.app("db", pid: 8, listeners: [])]
        let lines = AppsView(list: AppList(apps: apps), all: true).text(.plain).body
        #expect(
            lines == [
                "PID  APPLICATION   USER  TIER  CPU %    MEMORY  CONN  LISTENS AT",
                "  8  db            ada   none    1.3  10.0 MiB     0  -",
                "  7  数据库服务器  ada   none    1.3  10.0 MiB     0  -",
            ])
    }

    @Test(
        arguments: [
            (nil, [20, 7, 8, 9]), (AppOrder.cpu, [20, 9, 7, 8]), (.memory, [9, 8, 7, 20]), (.name, [8, 7, 9, 20]),
            (.connections, [20, 9, 7, 8]), (.pid, [7, 8, 9, 20]),
        ] as [(AppOrder?, [Int32])])
    func `Any order that was asked for`(order: AppOrder?, pids: [Int32]) {
        var apps = [web(), shell, dns, redis]
        apps[1].residentBytes = 30 << 20
        apps[2].residentBytes = 20 << 20
        apps[2].cpuPercent = 0.5
        #expect(AppOrder.sorted(apps, by: order).map(\.pid) == pids)
    }

    @Test func `A partial picture says what is missing and what completes it`() {
        var app = dns
        app.gaps = ["executable", "sockets"]
        app.otherNetwork = true
        var list = AppList(
            apps: [app], complete: false, missingCapabilities: ["CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"])
        list.unattributed = [stranger]
        list.losses = ["byteCounts", "exactLookups", "roundTripTimes"]
        list.truncated = true
        #expect(
            AppsView(list: list, suffix: " --home /x").text(.plain).notes == [
                "1 process is in another network, as in a container: its sockets are not listed.",
                "partial: executable and sockets of 1 process can't be read without CAP_DAC_READ_SEARCH and "
                    + "CAP_SYS_PTRACE: dtm doctor --home /x",
                "partial: the kernel did not tell byte counts and round-trip times: dtm doctor --home /x",
                "partial: there is more here than the inventory holds.",
            ])
    }

    @Test func `Who sees his own alone is told so, and gets no advice that he can't follow`() throws {
        var list = AppList(apps: [web()], complete: false)
        list.ownOnly = true
        let note = "Other users' applications are shown to the manager's user, root and members of group dtm."
        #expect(AppsView(list: list).text(.plain).notes == [note])
        #expect(!(try page("web", list)).contains { $0.hasPrefix("hint:") })
        list.apps = []
        #expect(
            AppsView(list: list).text(.plain).lines() == ["None of your processes listens or is connected.", note])
        #expect(
            AppsView(list: AppList(apps: [])).text(.plain).lines() == [
                "Nothing listens here, and nothing is connected."
            ])
    }

    @Test(arguments: [("dtm-dataplane", "127.0.0.1"), ("sshd", "0.0.0.0"), ("web", "10.1.1.1")])
    func `Nothing is suggested for what needs no tunnel`(name: String, address: String) {
        let app = Samples.app(name, pid: 7, listeners: [.init(protocol: "tcp", address: address, port: 8080)])
        #expect(AppsView(list: AppList(apps: [app])).text(.plain).notes == [])
    }

    private func workers() -> AppList {
        var second = web()
        second.pid = 21
        second.parent = 20
        second.listeners.removeLast()
        second.connections = []
        second.arguments = nil
        second.descriptors = nil
        return AppList(apps: [redis, web(), second])
    }

    private func page(_ subject: String, _ list: AppList, _ style: TextStyle = .plain) throws -> [String] {
        let page = AppsPage(subject: subject)
        return page.text(list, try page.select(list), style, now: Samples.now + .seconds(90)).lines()
    }

    @Test func `One application in full`() throws {
        #expect(
            try page("WEB", workers()) == [
                "web", "  user        ada (uid 1000)", "  unit        web.service", "  protection  none", "",
                "Processes",
                "PID  STATE     CPU %    MEMORY  THR  FDS  STARTED    COMMAND",
                " 20  sleeping   20.0  10.0 MiB    4   12  2 min ago  web --serve",
                " 21  sleeping   20.0  10.0 MiB    4    ?  2 min ago  [web]", "", "Listens at",
                "ADDRESS             TIER  TUNNEL", "0.0.0.0:8080        none  -", "[::]:8080           none  -",
                "127.0.0.1:9090      none  -", "127.0.0.1:9091      none  -", "unix:/run/web.sock  none  -", "",
                "Connected", "PEER      WAY   PLACE           CONN    IN      OUT    RTT",
                "redis     from  127.0.0.1:8080     2  20 B  2.0 KiB  60 µs",
                "10.0.0.5  to    10.0.0.5:5432      1     ?        ?      ?", "",
                "hint: web has no tunnel: dtm protect 127.0.0.1:8080",
            ])
    }

    @Test func `One process in full, with its whole command line on a narrow terminal`() throws {
        var list = workers()
        list.apps[2].arguments = "web --serve --with many --and more --options than --fit on --one line"
        #expect(
            try page("21", list, style(60)).prefix(8) == [
                "web, pid 21", "  user        ada (uid 1000)",
                "  command     web --serve --with many --and more --options",
                "              than --fit on --one line", "  parent      20 (web)", "  unit        web.service",
                "  protection  none", "",
            ])
        #expect(try page("21", list).contains("1 of 2 processes of web: dtm apps web"))
    }

    @Test func `A tunnel is told with the listener that it stands before`() throws {
        let lines = try page("redis", AppList(apps: [redis]))
        #expect(lines.contains("  protection  fronted by the tunnel redis"))
        #expect(lines.contains("127.0.0.1:6379  fronted  redis"))
    }

    @Test func `A name is found in any case, by a process, a tunnel or its beginning`() throws {
        var server = redis
        server.application = "redis-server"
        server.name = "redis-main"
        server.tunnel = "cache"
        let list = AppList(apps: [server, web(), Samples.app("redis-cli", pid: 40, listeners: [])])
        for name in ["redis-server", "REDIS-server", "redis-main", "cache", "redis", "7"] {
            #expect(try AppSelection.find(name, in: list, suffix: "").map(\.pid) == [7], "\(name)")
        }
    }

    @Test func `Who came to a place that nobody listens at any more has come`() {
        var app = Samples.app("tunnel", pid: 50, listeners: [])
        app.connections = ["127.1.1.1:5010", "127.0.0.1:40000"].map {
            .init(
                local: $0, remote: "127.0.0.1:50000", peerPid: nil, state: "established", bytesIn: nil, bytesOut: nil,
                rttMicros: nil)
        }
        let rows = AppPeers([app], among: [app]).rows
        #expect(rows.map(\.place) == ["127.0.0.1:50000", "127.1.1.1:5010"])
        #expect(rows.map(\.isIncoming) == [false, true])
    }

    @Test func `What is not there has a hint`() throws {
        let mail = Samples.app("webmail", pid: 30, listeners: dns.listeners)
        var list = AppList(apps: [redis, web(), mail])
        let failure = { (subject: String) -> CommandFailure? in
            #expect(throws: CommandFailure.self) { try AppSelection.find(subject, in: list, suffix: " --home /x") }
        }
        #expect(failure("wbe")?.message == "no application named wbe runs here")
        #expect(failure("rediss")?.hint == "dtm apps redis --home /x")
        #expect(failure("zebra")?.hint == "dtm apps --all --home /x lists what runs")
        #expect(failure("")?.message == "no application named \"\" runs here")
        let process = failure("4")
        #expect(process?.codeName == "pid.unknown")
        #expect(process?.message == "there is no process 4")
        #expect(failure("99999999999")?.codeName == "pid.unknown")
        #expect(failure("we")?.hint == "dtm apps web --home /x, or dtm apps webmail --home /x")
        list.ownOnly = true
        #expect(failure("4")?.message == "there is no process 4, or you may not see it")
    }

    @Test func `Names a mistake away are near, others are not`() {
        #expect(NearestNames.find("ngnix", among: ["nginx", "redis", "x"]) == ["nginx"])
        #expect(NearestNames.find("-x", among: ["nginx-x", "redis"]) == [])
        #expect(NearestNames.find("zebra", among: ["nginx", "redis", "x"]) == [])
        #expect(NearestNames.find("nginz", among: ["nginx", "redis"]) == ["nginx"])
        #expect(
            NearestNames.find("postgres", among: ["postgrse", "postgres-exporter", "pg"]) == [
                "postgres-exporter", "postgrse",
            ])
        #expect(NearestNames.distance("kitten", "sitting", atMost: 3) == 3)
        #expect(NearestNames.distance("kitten", "sitting", atMost: 2) == nil)
    }

    @Test func `What is watched may end and begin again`() {
        let page = AppsPage(subject: "redis")
        #expect(
            page.lenientText(AppList(apps: []), .plain, now: Samples.now).lines() == [
                "no application named redis runs here"
            ])
    }

    @Test func `A screen says when, how often, and when the manager is away`() {
        let display = AppsDisplay(page: AppsPage(hints: false), isJSON: false, seconds: 0.5, now: { Samples.now })
        let list = AppList(apps: [redis, web()])
        #expect(
            display.screen(list, .fresh, style(80), 3) == [
                "dtm apps  2027-01-15T08:00:00Z  every 0.5 s, q ends it",
                "PID  APPLICATION  USER  TUNNEL  CPU %    MEMORY  CONN  LISTENS AT", "… 2 more lines",
            ])
        #expect(
            display.screen(list, .stale, style(80), nil).first
                == "dtm apps  2027-01-15T08:00:00Z  the manager is away, waiting")
    }

    @Test func `What does not fit on a screen is counted, and the notes stay`() {
        let text = ViewText(body: ["a", "b", "c", "d"], notes: ["n"])
        #expect(text.lines() == ["a", "b", "c", "d", "n"])
        #expect(text.lines(height: 5) == ["a", "b", "c", "d", "n"])
        #expect(text.lines(height: 4) == ["a", "b", "… 2 more lines", "n"])
        #expect(text.lines(height: 1) == ["… 4 more lines"])
    }
}
