import DTMCore
@testable import DTMDiscovery
import Glibc
import Synchronization
import Testing

@Suite("The inventory of processes")
struct ProcessInventoryTests {
    /// A clock that goes on by two seconds with each look.
    private final class Ticking: TimeSource {
        private let seconds = Mutex<Int64>(1_000)
        func now() -> Timestamp {
            seconds.withLock { seconds in
                seconds += 2
                return Timestamp(seconds: seconds)
            }
        }
    }

    private let tree: ProcessTree

    init() throws { tree = try ProcessTree() }

    private func inventory() -> ProcessInventory {
        ProcessInventory(
            root: tree.root, anchor: ClockAnchor(offsetNanoseconds: 5_000_000_000), clock: Ticking(), userNames: Names()
        )
    }

    @Test("A process is described, with its listeners and connections")
    func describes() throws {
        try tree.add(
            pid: 20, parent: 7, name: "redis-server", executable: "/usr/bin/redis-server (deleted)", start: 250,
            cgroup: "/a", sockets: [5_001, 5_002, 7_002])
        try tree.setTable(
            "tcp",
            [
                ("0100007F:18EB", "00000000:0000", "0A", 1000, 5_001),
                ("0100007F:18EB", "0100007F:C350", "01", 1000, 5_002),
                ("0100007F:C350", "0100007F:18EB", "01", 1000, 5_003),
            ])
        try tree.write("net/unix", "0: 00000002 00000000 00010000 0001 01 7002 /run/redis.sock\n")
        try tree.add(pid: 21, name: "redis-cli", uid: 55, sockets: [5_003])
        var inventory = inventory()
        let all = try inventory.snapshot()
        try #require(all.map(\.pid) == [20, 21])
        let redis = all[0]
        #expect(redis.executable == "/usr/bin/redis-server")
        #expect(redis.application == "redis-server")
        #expect(redis.startedAt == Timestamp(milliseconds: 5_000 + 2_500))
        #expect(redis.user == "alice")
        #expect(redis.residentBytes == 102_400)
        #expect(redis.parent == 7)
        #expect(redis.cgroup == "/a")
        #expect(redis.gaps.isEmpty)
        #expect(redis.listeners.map(\.transport) == [.tcp, .unix])
        #expect(redis.listeners.map(\.address) == ["127.0.0.1", "/run/redis.sock"])
        #expect(redis.listeners.map(\.port) == [6_379, 0])
        #expect(redis.connections.map(\.remote) == [Endpoint("127.0.0.1:50000")])
        #expect(redis.connections.map(\.peerPID) == [21])
        #expect(all[1].connections.map(\.peerPID) == [20])
        #expect(all[1].user == "55")
        #expect(all[1].application == "redis-cli")
    }

    @Test("The processor's share takes two samples, and a PID that is used again starts anew")
    func cpu() throws {
        try tree.add(pid: 20, name: "a", cpuTicks: 100)
        try tree.add(pid: 21, name: "b", cpuTicks: 100)
        var inventory = inventory()
        #expect(try inventory.snapshot().map(\.cpuPercent) == [0, 0])
        try tree.setStat(pid: 20, name: "a", cpuTicks: 150)
        try tree.setStat(pid: 21, name: "c", start: 900, cpuTicks: 150)
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        #expect(try inventory.snapshot().map(\.cpuPercent) == [50 / ticks / 2 * 100, 0])
    }

    @Test("Helpers of a service go by the name of its first process, whatever their own is")
    func serviceName() throws {
        let group = "/system.slice/mail.service"
        try tree.add(pid: 30, name: "smtpd", executable: "/usr/lib/smtpd", start: 300, cgroup: group)
        try tree.add(pid: 31, name: "master", executable: "/usr/sbin/master", start: 200, cgroup: group)
        try tree.add(pid: 32, name: "bash", executable: "/bin/bash", cgroup: "/user.slice/session-1.scope")
        try tree.add(pid: 33, name: "vim", executable: "/usr/bin/vim", cgroup: "/user.slice/session-1.scope")
        var inventory = inventory()
        #expect(try inventory.snapshot().map(\.application) == ["master", "master", "bash", "vim"])
    }

    @Test("A process that ends midway is left out and is no error")
    func vanishes() throws {
        try tree.add(pid: 20, name: "a")
        try tree.add(pid: 21, name: "b")
        unlink("\(tree.root)/21/status")
        mkdir("\(tree.root)/22", 0o755)
        var inventory = inventory()
        #expect(try inventory.snapshot().map(\.pid) == [20])
    }

    @Test("A process table that is not there is an error")
    func noTable() {
        var inventory = ProcessInventory(root: "/nonexistent", userNames: Names())
        let error = #expect(throws: DiscoveryError.self) { try inventory.snapshot() }
        #expect(error?.code == .processTableUnreadable)
    }

    @Test("Resources are summed, shared pages counted once")
    func resources() throws {
        try tree.add(pid: 20, name: "a", cpuTicks: 150)
        try tree.add(pid: 21, name: "b", cpuTicks: 50)
        unlink("\(tree.root)/21/smaps_rollup")
        let read = ResourceReader(root: tree.root).read([20, 21, 99])
        #expect(read.map(\.pid) == [20, 21])
        #expect(read.map(\.proportionalBytes) == [61_440, nil])
        let total = ResourceReader.total(read)
        #expect(total.residentBytes == 61_440 + 102_400)
        #expect(total.lockedBytes == 16_384)
        #expect(total.cpuTime == .seconds(200) / Double(sysconf(Int32(_SC_CLK_TCK))))
    }

    @Test("This very process is found in the real /proc, with a listener that it opened")
    func real() throws {
        let listener = try LoopbackListener()
        let anchor = ClockAnchor.current()
        let lookup = ListenerLookup(anchor: anchor)
        let own = try lookup.observation(of: getpid())
        #expect(own.uid == geteuid())
        #expect(own.listeners.contains { $0.place == .ip(listener.endpoint) })
        #expect(lookup.listener(accepting: listener.endpoint)?.uid == geteuid())
        #expect(try lookup.owner(ofListener: listener.endpoint)?.pid == getpid())
        #expect(lookup.ownerUID(of: .tcp(host: "localhost", port: listener.endpoint.port)) == geteuid())
        var inventory = ProcessInventory(anchor: anchor)
        #expect(try inventory.snapshot().contains { $0.pid == getpid() && $0.startedAt == own.startedAt })
        #expect(ResourceReader().read([getpid()]).first?.residentBytes ?? 0 > 0)
    }
}

/// A TCP listener on 127.0.0.1, closed with the value.
final class LoopbackListener {
    let endpoint: Endpoint
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        endpoint = Endpoint(address: .v4(0x7f00_0001), port: UInt16(bigEndian: address.sin_port))
        try #require(bound)
    }

    deinit { close(descriptor) }
}
