import DTMAPI
import DTMConfiguration
import DTMCore
import DTMTunnel
import DTMPlan
import DTMPolicy
import DTMResponse
import Glibc
import Logging
import NIOCore
import NIOPosix
import DTMSecrets
import Synchronization

@testable import DTMManager

/// Processes as a test wants them.
final class FakeApplications: ApplicationFinding {
    private let known: Mutex<ApplicationView>
    private let looks = Mutex(0)
    /// How often somebody looked who looks again and again.
    var liveLooks: Int { looks.withLock(\.self) }

    init(known: ApplicationView = ApplicationView()) { self.known = Mutex(known) }
    func set(_ view: ApplicationView) { known.withLock { $0 = view } }
    func view() async throws -> ApplicationView { known.withLock(\.self) }
    func sharedView() async throws -> ApplicationView { known.withLock(\.self) }
    func liveView() async throws -> LiveLook {
        looks.withLock { $0 += 1 }
        return LiveLook(view: known.withLock(\.self), cost: .zero)
    }
    func ownerUIDs(of targets: [Target]) async -> [UInt32?] { targets.map { _ in geteuid() } }
}

/// Says of every connection that it is the same program's.
struct FakePrograms: ProgramFinding {
    var known: ConnectingProgram?
    func program(behind peer: LocalPeer, digests: Bool) async -> ConnectingProgram? { known }
}

struct FakeNames: NameResolving {
    var known: [String: [IPAddress]] = [:]
    func addresses(of host: String) async -> [IPAddress] { known[host] ?? [] }
}

struct FakeProbe: TargetProbing {
    var failure: String?
    func probe(_ destination: TargetPlan) async -> String? { failure }
}

/// A configuration file that a test rewrites.
final class FakeSource: ConfigurationReading {
    private let text: Mutex<String>
    init(_ text: String) { self.text = Mutex(text) }
    func write(_ new: String) { text.withLock { $0 = new } }
    func load(
        after previous: LoadedConfiguration?, receivingKey: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> LoadedConfiguration {
        let bytes = text.withLock { Array($0.utf8) }
        let configuration = try bytes.withUnsafeBytes {
            try Configuration.parse(bytes: $0, source: "test.json", receivingKey: receivingKey)
        }
        return LoadedConfiguration(configuration: configuration, path: "test.json")
    }
}

/// Who a test's calls come from, whoever runs the test.
struct FakeAccounts: AccountDirectory {
    func userName(_ uid: UInt32) -> String? { uid == geteuid() ? "me" : nil }
    func groupName(_ gid: UInt32) -> String? { nil }
    func uid(named name: String) -> UInt32? { nil }
    func gid(named name: String) -> UInt32? { nil }
    func groups(ofUser name: String, primary: UInt32) -> [UInt32] { [primary] }
}

/// A running control with a fake data plane, the launcher's end of its channel, and a client.
struct ControlFixture: Sendable {
    let folder: TemporaryFolder
    let client: ControlClient
    let launcher: LauncherEnd
    let source: FakeSource
    let assembly: ControlAssembly
    let plane: FakeDataPlane
    let applications: FakeApplications
    var socketPath: String { "\(folder.path)/run/control.sock" }

    struct Options {
        var configuration = "{}"
        var applications = ApplicationView()
        var names = FakeNames()
        var probe = FakeProbe()
        var failsToBind = false
        var programs = FakePrograms()
        var managerUID = geteuid()
        var memory = ManagerMemory(policy: .prefer, control: MemoryReport(backing: .secret))
        /// Of the data plane.
        var planeMemory = MemoryReport(backing: .secret)
        var checks: RuntimeChecks?
        var sealed: OpenedState?
        /// Nil: the steady one.
        var clock: (any TimeSource)?
        var responsePolicy = ResponsePolicy()
        /// Nil: there is none, and nobody may ask for one.
        var modelTransport: (@Sendable () -> any ClosableModelTransport)?
    }

    /// Runs `body` beside a control, then drains it.
    static func run(_ options: Options = Options(), _ body: @escaping @Sendable (Self) async throws -> Void)
        async throws
    {
        let folder = try TemporaryFolder()
        let (launcher, child) = try LauncherEnd.pair()
        let (plane, link) = try fakeDataPlane(
            failsToBind: options.failsToBind, memory: options.planeMemory)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
        let source = FakeSource(options.configuration)
        let applications = FakeApplications(known: options.applications)
        let assembly = try ControlAssembly(setting(folder, source, options, applications, threads))
        let channel = try LauncherChannel(descriptor: child)
        let control = RunningControl(
            assembly: assembly, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, printsBanner: false,
            handlesSignals: false)
        try Home(path: folder.path).prepare()
        let client = ControlClient(at: ControlSocketLocator(candidates: ["\(folder.path)/run/control.sock"]))
        let fixture = Self(
            folder: folder, client: client, launcher: launcher, source: source, assembly: assembly, plane: plane,
            applications: applications)
        let outcome: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await control.run(channel, group: group) }
                tasks.addTask {
                    defer { launcher.drain() }
                    launcher.link(link)
                    try await launcher.ready()
                    try await body(fixture)
                }
                try await tasks.waitForAll()
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await client.shutdown()
        await channel.close()
        await launcher.close()
        try await group.shutdownGracefully()
        try await threads.shutdownGracefully()
        try outcome.get()
    }

    static func fakeDataPlane(
        failsToBind: Bool = false, pid: Int32 = 4_242, memory: MemoryReport = MemoryReport(backing: .secret)
    ) throws -> (FakeDataPlane, CInt) {
        let ends = try DescriptorPair.stream()
        let plane = try FakeDataPlane(adopting: ends.first, pid: pid, failsToBind: failsToBind, memory: memory)
        return (plane, ends.second)
    }

    static func setting(
        _ folder: TemporaryFolder, _ source: FakeSource, _ options: Options, _ applications: FakeApplications,
        _ threads: NIOThreadPool
    ) throws -> ControlSetting {
        let anchor = ClockAnchor.current()
        let home = Home(path: folder.path)
        return ControlSetting(
            home: home, loaded: try source.load(after: nil) { _ in }, source: source, reservedPorts: ReservedPorts(),
            anchor: anchor,
            clock: options.clock ?? AnchoredClock(anchor: anchor), wall: WallClock(), managerUID: options.managerUID,
            // Not this process: what calls from the manager's own process is a connector that it hosts.
            controlPID: 1,
            launcherPID: getppid(), isAutomatic: false, log: nil, accounts: FakeAccounts(),
            applications: applications, programs: options.programs,
            names: options.names,
            probe: options.probe,
            threads: threads, memory: options.memory, checks: options.checks,
            sockets: [ControlSocket(path: home.controlSocket, mode: 0o600)], sealed: options.sealed,
            responsePolicy: options.responsePolicy,
            modelTransport: options.modelTransport ?? { ScriptedTransport { _ in "" } })
    }
}

/// Two connected descriptors, as numbers.
struct DescriptorPair {
    let first: CInt
    let second: CInt

    static func stream() throws -> Self { try make(SOCK_STREAM) }
    static func messages() throws -> Self { try make(SOCK_SEQPACKET) }

    private static func make(_ type: __socket_type) throws -> Self {
        var numbers: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, CInt(type.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &numbers) == 0 else {
            throw POSIXFailure(code: errno)
        }
        return Self(first: numbers[0], second: numbers[1])
    }
}

/// The launcher's end of the channel.
final class LauncherEnd: Sendable {
    private let channel: ProcessChannel
    private let threads: NIOThreadPool

    private init(_ descriptor: CInt) throws {
        channel = try ProcessChannel(adopting: OwnedDescriptor(adopting: descriptor))
        threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
    }

    static func pair() throws -> (LauncherEnd, CInt) {
        let ends = try DescriptorPair.messages()
        return (try LauncherEnd(ends.first), ends.second)
    }

    func link(_ descriptor: CInt) { try? channel.send(.link(OwnedDescriptor(adopting: descriptor))) }
    func drain() { try? channel.send(.drain) }
    func reload() { try? channel.send(.reload) }
    func now() { try? channel.send(.now) }

    /// Goes away, as a launcher that was killed.
    func vanish() { _ = shutdown(channel.descriptor, CInt(SHUT_RDWR)) }

    /// Waits until control says that it serves.
    func ready() async throws {
        let isReady = try await threads.runIfActive { [self] in
            if case .ready? = try channel.receive() { true } else { false }
        }
        guard isReady else { throw Missing() }
    }

    func close() async { try? await threads.shutdownGracefully() }
}

extension ControlFixture {
    /// One application that listens at its usual port.
    static func redis() throws -> Options {
        Options(
            applications: ApplicationView(processes: [
                Samples.process(
                    99, "redis-server", uid: geteuid(), try Samples.listener("127.0.0.1:6379", uid: geteuid()))
            ]))
    }
}
