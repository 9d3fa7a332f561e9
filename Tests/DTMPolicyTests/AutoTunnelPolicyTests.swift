import DTMCore
import DTMPolicy
import Glibc
import Testing

@Suite("Which listeners get a tunnel by themselves")
struct AutoTunnelPolicyTests {
    private func candidate(
        _ application: String? = "redis-server", _ place: String = "127.0.0.1:6379",
        transport: SocketTransport = .tcp, _ change: (inout ListenerCandidate) -> Void = { _ in }
    ) throws -> ListenerCandidate {
        let listener = ObservedListener(
            transport: transport, place: .ip(try #require(Endpoint(place))), uid: 1000, inode: 1)
        var candidate = ListenerCandidate(
            listener: listener, application: application, process: application,
            executable: application.map { "/usr/bin/\($0)" }, userName: "alice")
        change(&candidate)
        return candidate
    }

    private func rules(_ texts: String...) throws -> [ListenerRule] { try texts.map { try ListenerRule($0) } }

    @Test(
        "A listener at loopback or at all addresses gets one",
        arguments: ["127.0.0.1:80", "127.9.9.9:80", "0.0.0.0:80", "[::1]:80", "[::]:80"])
    func suitable(place: String) throws {
        let decision = AutoTunnelPolicy().decide(try candidate("web", place))
        #expect(decision.isProtected)
        #expect(decision.reason == "web at tcp \(place) is denied by no rule")
    }

    @Test("A listener at one address of the network does not", arguments: ["192.0.2.1:80", "[2001:db8::1]:80"])
    func elsewhere(place: String) throws {
        #expect(!AutoTunnelPolicy().decide(try candidate("web", place)).isProtected)
    }

    @Test("What is not TCP does not", arguments: [SocketTransport.udp, .udp6])
    func datagrams(transport: SocketTransport) throws {
        #expect(!AutoTunnelPolicy().decide(try candidate("web", transport: transport)).isProtected)
    }

    @Test("A Unix socket does not")
    func unix() {
        let listener = ObservedListener(transport: .unix, place: .unix(path: "/s"), uid: nil, inode: 1)
        let decision = AutoTunnelPolicy().decide(ListenerCandidate(listener: listener, application: "web"))
        #expect(decision.reason == "web at unix /s is no TCP listener")
    }

    @Test(
        "The system's own services are denied by default",
        arguments: [
            "dtm", "sshd", "sshd-session", "systemd-resolve", "systemd-resolved", "dnsmasq", "unbound", "named",
            "dhclient",
            "avahi-daemon", "cupsd", "systemd", "rpcbind",
        ])
    func defaults(application: String) throws {
        let decision = AutoTunnelPolicy().decide(try candidate(application))
        #expect(!decision.isProtected)
        #expect(decision.reason.contains("of the default denials"))
        #expect(AutoTunnelPolicy(usesDefaultDeny: false).decide(try candidate(application)).isProtected)
    }

    @Test("The documentation names every default denial, and no other")
    func documented() throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let file = try #require(fopen("\(root)/docs/configuration.md", "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        let list = text.split(separator: "The built-in denials: ").last ?? ""
        let paragraph = list.split(separator: "\n\n").first ?? ""
        let names = paragraph.split(separator: "`").filter { $0.contains(":") }.map(String.init)
        #expect(names == AutoTunnelPolicy.defaultDeny.map(\.description))
    }

    @Test("Whatever answers at port 53 is a resolver")
    func resolver() throws {
        #expect(AutoTunnelPolicy().decide(try candidate("mydns", "127.0.0.53:53")).rule == "port:53")
    }

    @Test("DTM's own listeners get none, whatever the rules")
    func own() throws {
        let policy = AutoTunnelPolicy(allow: try rules("app:redis*"), usesDefaultDeny: false)
        #expect(!policy.decide(try candidate { $0.isOwn = true }).isProtected)
    }

    @Test("Where there are allowances, one has to match")
    func allowances() throws {
        let policy = AutoTunnelPolicy(allow: try rules("app:postgres", "app:redis*+user:alice"))
        #expect(policy.decide(try candidate()).rule == "app:redis*+user:alice")
        let other = policy.decide(try candidate("nginx"))
        #expect(!other.isProtected)
        #expect(other.reason.contains("matches no rule of autoTunnel.allow (app:postgres, app:redis*+user:alice)"))
        #expect(!policy.decide(try candidate { $0.userName = nil }).isProtected)
    }

    @Test(
        "Denials go before allowances, by each kind of rule",
        arguments: [
            "app:redis-server", "app:redis*", "exe:/usr/bin/redis-server", "uid:1000", "user:alice", "port:6000-7000",
        ])
    func denials(rule: String) throws {
        let policy = AutoTunnelPolicy(allow: try rules("app:redis*"), deny: try rules("app:x", rule))
        let decision = policy.decide(try candidate())
        #expect(!decision.isProtected)
        #expect(decision.rule == rule)
    }

    @Test("A denial that can't be told counts, and one that something known speaks against does not")
    func unknown() throws {
        let unreadable = try candidate { $0.executable = nil }
        let denied = AutoTunnelPolicy(deny: try rules("exe:/usr/bin/redis-server")).decide(unreadable)
        #expect(!denied.isProtected)
        #expect(denied.reason.contains("can't be told"))
        #expect(AutoTunnelPolicy(deny: try rules("exe:/x+port:1")).decide(unreadable).isProtected)
    }

    @Test("A process that is not known may be one of the default denials, unless its port is allowed")
    func unknownProcess() throws {
        let decision = AutoTunnelPolicy().decide(try candidate(nil, "0.0.0.0:22"))
        #expect(!decision.isProtected)
        #expect(decision.reason.hasPrefix("an unknown process at tcp 0.0.0.0:22 can't be told from the services"))
        #expect(AutoTunnelPolicy(usesDefaultDeny: false).decide(try candidate(nil)).isProtected)
        #expect(AutoTunnelPolicy(allow: try rules("port:6379")).decide(try candidate(nil)).isProtected)
        #expect(!AutoTunnelPolicy(allow: try rules("app:a*")).decide(try candidate(nil)).isProtected)
    }

    @Test("The process's own name counts beside the application's")
    func processName() throws {
        #expect(!AutoTunnelPolicy().decide(try candidate("ssh.service") { $0.process = "sshd" }).isProtected)
    }

    @Test("A tunnel outlives its application by the grace period")
    func grace() {
        #expect(AutoTunnelPolicy().grace == .seconds(30))
        let policy = AutoTunnelPolicy(grace: .seconds(5))
        #expect(!policy.isOver(goneFor: .milliseconds(4_999)))
        #expect(policy.isOver(goneFor: .seconds(5)))
        #expect(AutoTunnelPolicy(grace: .seconds(-1)).isOver(goneFor: .zero))
    }

    @Test(
        "Names depend on the application and the port alone",
        arguments: [
            ("redis-server", ["redis", "redis-6379", "redis-6379-2"]),
            ("My App", ["my-app", "my-app-6379", "my-app-6379-2"]),
            ("", ["tunnel", "tunnel-6379", "tunnel-6379-2"]), (nil, ["port-6379", "port-6379-2", "port-6379-3"]),
        ] as [(String?, [String])])
    func names(application: String?, names: [String]) {
        #expect(StableName.candidates(application: application, port: 6_379, limit: 3).map(\.text) == names)
    }

    @Test("Any application has as many names as are asked for")
    func allNames() {
        for application in ["é", "---", String(repeating: "x", count: 500), "\n", "-server", "..", "a.b_c"] {
            let names = StableName.candidates(application: application, port: 65_535)
            #expect(Set(names).count == 8, "\(application)")
        }
    }
}
