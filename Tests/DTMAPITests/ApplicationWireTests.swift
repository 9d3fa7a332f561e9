import DTMAPI
import Testing

@Suite struct ApplicationWireTests {
    private let app = AppReport(
        pid: 7, application: "redis", name: "redis", executable: nil, uid: 0, user: "root", state: "sleeping",
        cpuPercent: 0, residentBytes: 1, threads: 1, startedAt: "2027-01-15T08:00:00.000Z", cgroup: "/", listeners: [],
        connections: [], tunnel: nil, tier: "none")

    @Test func `Every name that scripts rely on is there, missing values as null`() throws {
        let text = String(decoding: try APIJSON.encode(AppList(apps: [app])), as: UTF8.self)
        for name in [
            "schemaVersion", "apps", "pid", "application", "name", "executable", "uid", "user", "state", "cpuPercent",
            "residentBytes", "threads", "startedAt", "cgroup", "listeners", "connections", "tunnel", "tier", "unit",
            "container", "arguments", "descriptors", "parent", "gaps", "otherNetwork", "unattributed",
            "complete", "ownOnly", "missingCapabilities", "losses", "truncated",
        ] {
            #expect(text.contains("\"\(name)\":"), "\(name)")
        }
        #expect(text.contains(#""unit":null"#))
    }

    @Test func `What is written is read again`() throws {
        var app = app
        app.arguments = "redis-server"
        app.gaps = ["sockets"]
        app.listeners = [.init(protocol: "tcp", address: "127.0.0.1", port: 1, tunnel: "x", tier: "fronted")]
        var list = AppList(apps: [app], complete: false, missingCapabilities: ["CAP_SYS_PTRACE"])
        list.unattributed = [
            .init(protocol: "tcp", address: "::", port: 1, uid: 0, user: nil, tunnel: "x", tier: "fronted")
        ]
        list.ownOnly = true
        list.losses = ["byteCounts"]
        list.truncated = true
        #expect(try APIJSON.decode(AppList.self, from: APIJSON.encode(list)) == list)
    }
}
