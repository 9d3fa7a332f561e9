import DTMCore
import Testing

@testable import DTMManager

@Suite struct SubjectTests {
    @Test func `tells a PID, a target and an application apart`() throws {
        #expect(try Subject("4711") == .pid(4_711))
        #expect(try Subject("127.0.0.1:80") == .target(.tcp(host: "127.0.0.1", port: 80)))
        #expect(try Subject("unix:/run/x") == .target(.unix(path: "/run/x")))
        #expect(try Subject("redis-server") == .application("redis-server"))
    }

    @Test(arguments: ["", "0", "99999999999", "host:0", "host:99999", "unix:relative", "a/b", ":80"])
    func `refuses what can be none of them`(_ text: String) {
        #expect(managerCode { _ = try Subject(text) } == .requestInvalid)
    }
}

@Suite struct SubjectResolverTests {
    private func resolver(_ observations: ApplicationObservation..., own: OwnParts = OwnParts(), uid: UInt32 = 1_000)
        -> SubjectResolver
    {
        SubjectResolver(observations: observations, own: own, managerUID: uid)
    }

    @Test func `a PID with one port, bound for both families, is that port at IPv4 loopback`() throws {
        let redis = Samples.process(
            10, "redis-server", try Samples.listener("127.0.0.1:6379"), try Samples.listener("[::1]:6379"))
        let subject = try resolver(redis).resolve(.pid(10))
        #expect(subject.target == .tcp(host: "127.0.0.1", port: 6_379))
        #expect(subject.ownerUID == 1_000)
        #expect(subject.application == "redis-server")
    }

    @Test func `an application goes by the name that its tunnel would get, unless another has that very name`() throws {
        let server = Samples.process(10, "redis-server", try Samples.listener("127.0.0.1:6379"))
        let other = Samples.process(11, "redis", try Samples.listener("127.0.0.1:7000"))
        #expect(try resolver(server).resolve(.application("redis")).target == .tcp(host: "127.0.0.1", port: 6_379))
        #expect(
            try resolver(server, other).resolve(.application("redis")).target == .tcp(host: "127.0.0.1", port: 7_000))
    }

    @Test func `an application at any address is reached at loopback`() throws {
        let web = Samples.process(11, "web", try Samples.listener("0.0.0.0:8000"))
        let subject = try resolver(web).resolve(.application("web"))
        #expect(subject.target == .tcp(host: "127.0.0.1", port: 8_000))
        #expect(TierNotes.fronted(subject)[1].contains("not only on this host"))
        let six = Samples.process(12, "six", try Samples.listener("[::]:8001"))
        #expect(try resolver(six).resolve(.pid(12)).target == .tcp(host: "::1", port: 8_001))
    }

    @Test func `several places are named, each with its command`() throws {
        let busy = Samples.process(
            13, "busy", try Samples.listener("127.0.0.1:1001"), try Samples.listener("127.0.0.1:1002"),
            Samples.listener(path: "/run/b"))
        let error = #expect(throws: ManagerError.self) { try resolver(busy).resolve(.pid(13)) }
        #expect(error?.code == .subjectAmbiguous)
        #expect(error?.hint == "dtm protect 127.0.0.1:1001, or dtm protect 127.0.0.1:1002, or dtm protect unix:/run/b")
    }

    @Test func `workers that share a socket are one place`() throws {
        let listener = try Samples.listener("127.0.0.1:8080")
        let subject = try resolver(Samples.process(20, "nginx", listener), Samples.process(21, "nginx", listener))
            .resolve(.application("nginx"))
        #expect(subject.target == .tcp(host: "127.0.0.1", port: 8_080))
    }

    @Test func `a PID that is not there, that listens on nothing, that is another user's`() {
        let quiet = Samples.process(14, "quiet")
        let foreign = Samples.process(15, "foreign", uid: 0, gaps: [.sockets])
        let resolver = resolver(quiet, foreign)
        #expect(managerCode { _ = try resolver.resolve(.pid(9_999)) } == .pidUnknown)
        #expect(managerCode { _ = try resolver.resolve(.pid(14)) } == .pidWithoutListener)
        #expect(managerCode { _ = try resolver.resolve(.pid(15)) } == .pidForeign)
        #expect(managerCode { _ = try resolver.resolve(.application("foreign")) } == .pidForeign)
        #expect(managerCode { _ = try resolver.resolve(.application("nobody")) } == .subjectUnknown)
    }

    @Test func `the manager's own parts are refused, however they are named`() throws {
        let endpoint = try found(Endpoint("127.3.4.5:5005"))
        let own = OwnParts(processes: [30], endpoints: [endpoint], socketPaths: ["/home/x/.dtm/run/control.sock"])
        let resolver = resolver(Samples.process(30, "dtm", try Samples.listener("127.3.4.5:5005")), own: own)
        #expect(managerCode { _ = try resolver.resolve(.pid(30)) } == .targetOwn)
        #expect(managerCode { _ = try resolver.resolve(.application("dtm")) } == .targetOwn)
        #expect(
            managerCode {
                _ = try resolver.resolve(.target(.tcp(host: "127.3.4.5", port: 5_005)), addresses: [endpoint.address])
            }
                == .targetOwn)
        #expect(
            managerCode { _ = try resolver.resolve(.target(.unix(path: "/home/x/.dtm/run/control.sock"))) }
                == .targetOwn)
    }

    @Test func `the owner of a target is the user who listens there`() throws {
        let redis = Samples.process(10, "redis", uid: 42, try Samples.listener("0.0.0.0:6379", uid: 42))
        let loopback = try found(IPAddress("127.0.0.1"))
        let subject = try resolver(redis).resolve(.target(.tcp(host: "localhost", port: 6_379)), addresses: [loopback])
        #expect(subject.ownerUID == 42)
        #expect(subject.application == "redis")
        let other = try resolver(redis).resolve(
            .target(.tcp(host: "10.0.0.1", port: 6_379)), addresses: [try found(IPAddress("10.0.0.1"))])
        #expect(other.ownerUID == nil)
    }
}

@Suite struct NamingTests {
    private func subject(_ application: String?, _ target: Target = .tcp(host: "127.0.0.1", port: 80))
        -> ResolvedSubject
    {
        ResolvedSubject(target: target, ownerUID: nil, application: application, listeners: [])
    }

    @Test func `the application gives the name, made of allowed characters`() {
        #expect(TunnelNaming.name(for: subject("My App"), isTaken: { _ in false })?.text == "my-app")
        #expect(TunnelNaming.name(for: subject("redis-server"), isTaken: { _ in false })?.text == "redis")
        #expect(TunnelNaming.name(for: subject("---"), isTaken: { _ in false })?.text == "tunnel")
        #expect(TunnelNaming.name(for: subject(nil), isTaken: { _ in false })?.text == "127.0.0.1-80")
        #expect(
            TunnelNaming.name(for: subject(nil, .unix(path: "/run/app.sock")), isTaken: { _ in false })?.text
                == "app.sock")
    }

    @Test func `a name that is taken gets a number`() {
        #expect(
            TunnelNaming.name(for: subject("web"), isTaken: { $0.text == "web" || $0.text == "web-2" })?.text == "web-3"
        )
    }
}
