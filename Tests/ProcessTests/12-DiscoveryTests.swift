import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    @Suite("12 what runs on this host")
    struct Discovery {
        @Test("Beside ss and ps, with 500 short-lived processes a second, every socket is its holders'")
        func sideBySide() throws {
            let scene = try DiscoveryScene()
            let before = scene.manager.processes()
            let churn = try Churn(seconds: BuiltProgram.size(ci: 8, soak: 60), in: scene.manager.directory)
            var comparison = Comparison()
            while churn.program.isRunning { try scene.compare(&comparison) }
            print("\(try churn.rate()) processes a second; \(comparison.rounds) looks, \(comparison.sockets) sockets")
            // The last look is at a quiet machine: what did not hold still before has to be there now.
            let isWhole = try eventually(.seconds(20)) {
                try scene.compare(&comparison)
                return comparison.seen.isSuperset(of: scene.expected)
            }
            #expect(isWhole, "never held still: \(scene.expected.subtracting(comparison.seen))")
            #expect(comparison.differences == [])
            #expect(scene.manager.processes() == before, "a process of the manager was replaced")
            #expect(scene.manager.launcher.errors == "")
            #expect(!text(of: "\(scene.manager.home)/logs/dtm.json").contains(Event.Kind.discoveryFailed))
        }

        @Test("A listener that begins among 500 short-lived processes a second is an event within a tick or so")
        func newListener() throws {
            let manager = try Manager()
            let churn = try Churn(seconds: 5, in: manager.directory)
            let begin = ContinuousClock.now
            let redis = try RedisServer(in: manager.directory)
            let event = try manager.event(Event.Kind.listenerStarted) {
                $0.detail["port"] == .integer(Int64(redis.port))
            }
            print("the listener was an event \(begin.duration(to: .now)) after the start of its program")
            #expect(event.detail["pid"] == .integer(Int64(redis.program.pid)))
            print("\(try churn.rate()) processes a second")
            #expect(!text(of: "\(manager.home)/logs/dtm.json").contains(Event.Kind.discoveryFailed))
        }

        @Test("dtm protect takes an application's short name")
        func shortName() throws {
            let manager = try Manager()
            let name = "zebra\(getpid())"
            let program = manager.directory.file("\(name)-server")
            try #require(try run("cp", ["/usr/bin/redis-server", program], in: manager.directory).status == 0)
            let redis = try RedisServer(in: manager.directory, program: program)
            let outcome = try manager.dtm("protect", name, "--json")
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try manager.tunnel(name).target == redis.target)
            try Connection(manager, to: name).socket().ping()
            let unknown = try manager.dtm("protect", "no-such-application", "--json")
            #expect(unknown.status == 1)
        }

        @Test("Without rights the picture is partial, and says so")
        func partial() throws {
            // What needs rights belongs to root; a test without rights has init's to look at.
            let manager = try Manager(user: OtherUser.nobody)
            let stranger = try TestDirectory()
            let redis = try RedisServer(in: stranger)
            let user = OtherUser.nobody
            let outcome = try manager.dtm("apps", "--json", user: user)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let list = try outcome.decode(AppList.self)
            let foreign = user == nil ? 1 : redis.program.pid
            let shown = try #require(list.apps.first { $0.pid == foreign })
            #expect(shown.executable == nil && shown.listeners == [])
            #expect(!list.complete)
            #expect(list.missingCapabilities == ["CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"])
            #expect(shown.gaps == ["executable", "network", "sockets"])
            let own = try #require(list.apps.first { $0.pid == manager.launcher.pid })
            #expect(own.uid == (user?.uid ?? geteuid()))
            let words = try manager.dtm("apps", user: user)
            #expect(words.output.contains("CAP_SYS_PTRACE"), "\(words.output)")
            let doctor = try manager.dtm("doctor", "--json", user: user).decode(DoctorReport.self)
            let rights = try #require(doctor.checks.first { $0.code == "doctor.rights" })
            #expect(rights.status == "failed" && rights.detail.contains("CAP_SYS_PTRACE"))
            #expect(rights.detail.contains("CAP_DAC_READ_SEARCH"))
        }

        @Test("As root it is complete", .enabled(if: geteuid() == 0))
        func complete() throws {
            let user = try #require(OtherUser.nobody)
            let manager = try Manager()
            let foreign = try TestDirectory()
            user.own(foreign.path)
            let port = try HeldPort.free()
            let server = try ChildProgram(
                .init(
                    program: "setpriv",
                    arguments: Array(user.prefix.dropFirst()) + [
                        "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", "",
                    ], environment: basicEnvironment, directory: foreign.path))
            let listens = eventually {
                (try? BlockingSocket(connectedTo: Endpoint(address: .v4(0x7f00_0001), port: port))) != nil
            }
            try #require(listens, "\(server.errors)")
            let list = try manager.apps()
            let shown = try #require(list.apps.first { $0.pid == server.pid })
            #expect(shown.uid == user.uid && shown.executable != nil && shown.gaps == [])
            #expect(shown.listeners.map(\.port) == [port])
        }
    }
}

/// What came of all looks.
private struct Comparison {
    var rounds = 0
    var sockets = 0
    var seen: Set<ShownSocket> = []
    var differences: Set<String> = []

    /// Compares what both looks of `ss` around it agree about.
    mutating func add(
        _ shown: [ShownSocket: Set<Int32>], between before: [ShownSocket: Set<Int32>],
        and after: [ShownSocket: Set<Int32>]
    ) {
        rounds += 1
        for (socket, pids) in before where after[socket] == pids {
            sockets += 1
            seen.insert(socket)
            if shown[socket] != pids {
                differences.insert("\(socket): ss \(pids.sorted()), dtm \(shown[socket, default: []].sorted())")
            }
        }
        for (socket, pids) in shown where before[socket] == nil && after[socket] == nil {
            // It may have come and gone in between; what ss never shows is found out by repetition.
            if !socket.remote.isEmpty { continue }
            differences.insert("\(socket): ss none, dtm \(pids.sorted())")
        }
    }
}

/// A machine with all kinds of listeners, and connections that are held open between its programs.
private struct DiscoveryScene {
    let manager: Manager
    let redis: RedisServer
    let web: WebServer
    let python: PythonServer
    let six: PythonServer
    let unix: ChildProgram
    let unixPath: String
    let clients: [ChildProgram]
    let sockets: [BlockingSocket]

    init() throws {
        manager = try Manager()
        let directory = manager.directory
        let ports = try HeldPort.freeRun(of: 2)
        redis = try RedisServer(in: directory)
        web = try WebServer(in: directory, workers: 4)
        python = try PythonServer(in: directory, port: ports)
        six = try PythonServer(in: directory, at: "::1", port: ports + 1)
        let path = directory.file("unix.sock")
        unixPath = path
        unix = try ChildProgram(
            .init(
                program: "socat", arguments: ["UNIX-LISTEN:\(path),fork", "PIPE"], environment: basicEnvironment,
                directory: directory.path))
        let answers = eventually { UnixProbe.answers(path) }
        try #require(answers, "\(unix.errors)")
        // Of the test itself and of two other programs, by turns.
        var sockets: [BlockingSocket] = []
        var clients: [ChildProgram] = []
        for address in ["TCP:\(redis.target)", "TCP:\(web.target)", "TCP6:[::1]:\(six.port)", "TCP:\(redis.target)"] {
            clients.append(
                try ChildProgram(
                    .init(
                        program: "socat", arguments: ["-", address], environment: basicEnvironment,
                        directory: directory.path, hasInput: true)))
            let socket = try BlockingSocket(connectedTo: redis.endpoint)
            try socket.ping()
            sockets.append(socket)
        }
        self.clients = clients
        self.sockets = sockets
    }

    /// What has to be seen sooner or later.
    var expected: Set<ShownSocket> {
        [
            ShownSocket(family: "tcp", local: redis.target), ShownSocket(family: "tcp", local: web.target),
            ShownSocket(family: "tcp", local: python.target), ShownSocket(family: "tcp", local: "[::1]:\(six.port)"),
            ShownSocket(family: "unix", local: unixPath),
        ]
    }

    /// The programs whose sockets are compared: what else runs here comes and goes as it likes.
    private func programs(_ processes: Set<ShownProcess>) -> Set<Int32> {
        var pids = Set([redis.program, web.program, python.program, six.program, unix].map(\.pid) + clients.map(\.pid))
        pids.insert(getpid())
        pids.formUnion(processes.filter { $0.parent == web.program.pid }.map(\.pid))
        return pids
    }

    func compare(_ comparison: inout Comparison) throws {
        let directory = manager.directory
        let (processes, before) = (try ShownProcess.all(in: directory), try SocketStatistics(in: directory))
        let list = try manager.apps()
        let (later, after) = (try ShownProcess.all(in: directory), try SocketStatistics(in: directory))
        let programs = programs(processes)
        comparison.add(
            list.sockets(of: programs), between: before.limited(to: programs), and: after.limited(to: programs))
        let shown = Set(list.apps.map { ShownProcess(pid: $0.pid, uid: $0.uid, parent: 0) })
        for process in processes.intersection(later) {
            guard !shown.contains(ShownProcess(pid: process.pid, uid: process.uid, parent: 0)) else { continue }
            comparison.differences.insert("\(process) is not shown")
        }
        comparison.differences.formUnion(wrongPeers(list, before, after))
    }

    /// Connections whose other end is said to be another process's than `ss` says.
    private func wrongPeers(
        _ list: AppList, _ before: SocketStatistics, _ after: SocketStatistics
    ) -> [String] {
        list.apps.flatMap { app in
            app.connections.compactMap { connection -> String? in
                let reverse = ShownSocket(family: "tcp", local: connection.remote, remote: connection.local)
                guard connection.state == "established", let pids = before.holders[reverse],
                    after.holders[reverse] == pids, connection.peerPid.map(pids.contains) != true
                else { return nil }
                return "peer of \(connection.local) of \(app.pid): ss \(pids), dtm \(connection.peerPid ?? 0)"
            }
        }
    }
}

extension AppList {
    /// The sockets of some processes, with all that hold them.
    fileprivate func sockets(of pids: Set<Int32>) -> [ShownSocket: Set<Int32>] {
        var holders: [ShownSocket: Set<Int32>] = [:]
        for app in apps {
            for listener in app.listeners where !listener.protocol.hasPrefix("udp") {
                holders[listener.asShown, default: []].insert(app.pid)
            }
            for connection in app.connections where connection.state == "established" {
                let socket = ShownSocket(family: "tcp", local: connection.local, remote: connection.remote)
                holders[socket, default: []].insert(app.pid)
            }
        }
        return holders.filter { !$0.value.isDisjoint(with: pids) }
    }
}

extension AppReport.Listener {
    fileprivate var asShown: ShownSocket {
        switch self.protocol {
        case "unix": ShownSocket(family: "unix", local: address)
        case "tcp6": ShownSocket(family: "tcp", local: "[\(address)]:\(port)")
        default: ShownSocket(family: "tcp", local: "\(address):\(port)")
        }
    }
}
