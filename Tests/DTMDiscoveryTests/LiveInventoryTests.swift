import DTMCore
@testable import DTMDiscovery
import Glibc
import Testing

@Suite("The live inventory of a small /proc")
struct LiveInventoryTests {
    private let tree: ProcessTree
    private let loopback = "0100007F"

    init() throws { tree = try ProcessTree() }

    private func inventory(_ limits: InventoryLimits = InventoryLimits()) throws -> LiveInventory {
        try LiveInventory(
            root: tree.root, anchor: ClockAnchor(offsetNanoseconds: 0), userNames: Names(), limits: limits)
    }

    private func listen(_ sockets: [(port: String, inode: UInt64)]) throws {
        try tree.setTable("tcp", sockets.map { ("\(loopback):\($0.port)", "00000000:0000", "0A", 1000, $0.inode) })
    }

    @Test("What is new and what is gone is told, and no more than that")
    func changes() throws {
        try tree.add(pid: 20, name: "web", executable: "/usr/bin/web", sockets: [5_001])
        try listen([("0050", 5_001)])
        var inventory = try inventory()
        let first = try inventory.tick()
        let owner = ListenerOwner(
            process: ProcessIdentity(pid: 20, startTicks: 100), uid: 1000, executable: "/usr/bin/web",
            application: "web")
        let listener = ObservedListener(
            transport: .tcp, place: .ip(Endpoint(address: .v4(0x7f00_0001), port: 80)), uid: 1000, inode: 5_001)
        #expect(
            first == [
                .startedListening(listener, owner: owner), .appeared(application: "web", process: owner.process),
            ])
        let second = try inventory.tick()
        #expect(second.isEmpty)
        try tree.remove(pid: 20)
        try listen([])
        let third = try inventory.tick()
        #expect(third == [.stoppedListening(listener, owner: owner), .gone(application: "web")])
        let picture = inventory.picture()
        #expect(picture.processes.isEmpty)
        #expect(picture.losses == SocketLoss.ofTables)
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
        var inventory = try inventory()
        _ = try inventory.refresh()
        let all = inventory.picture().processes
        try #require(all.map(\.pid) == [20, 21])
        let redis = all[0]
        #expect(redis.executable == "/usr/bin/redis-server")
        #expect(redis.application == "redis-server")
        #expect(redis.startedAt == Timestamp(milliseconds: 2_500))
        #expect(redis.user == "alice")
        #expect(redis.parent == 7)
        #expect(redis.cgroup == "/a")
        #expect(redis.gaps.isSubset(of: [.network]))
        #expect(redis.listeners.map(\.transport) == [.tcp, .unix])
        #expect(redis.listeners.map(\.address) == ["127.0.0.1", "/run/redis.sock"])
        #expect(redis.listeners.map(\.port) == [6_379, 0])
        #expect(redis.connections.map(\.remote) == [Endpoint("127.0.0.1:50000")])
        #expect(redis.connections.map(\.peerPID) == [21])
        #expect(all[1].connections.map(\.peerPID) == [20])
        #expect(all[1].user == "55")
    }

    @Test("A process that ends midway is left out and is no error")
    func vanishes() throws {
        try tree.add(pid: 20, name: "a")
        try tree.add(pid: 21, name: "b")
        unlink("\(tree.root)/21/status")
        mkdir("\(tree.root)/22", 0o755)
        var inventory = try inventory()
        _ = try inventory.tick()
        #expect(inventory.picture().processes.map(\.pid) == [20])
    }

    @Test("Descriptors that close while they are read are no error")
    func closing() throws {
        try listen([("0050", 1), ("0051", 2)])
        try tree.add(pid: 40, name: "web", sockets: [1, 2])
        var inventory = try inventory()
        inventory.reader.fault = { $0 == "40/fd/3" ? ENOENT : nil }
        _ = try inventory.tick()
        #expect(inventory.picture().processes.first?.listeners.map(\.port) == [81])
    }

    @Test("A PID that is used again is another process, and holds nothing of the one before")
    func reusedPID() throws {
        try tree.add(pid: 20, name: "web", executable: "/usr/bin/web", sockets: [5_001])
        try listen([("0050", 5_001)])
        var inventory = try inventory()
        _ = try inventory.tick()
        // The folder keeps its inode in a rename of its successor's: only the hint tells of a change.
        try tree.add(pid: 999, name: "evil", executable: "/usr/bin/evil", start: 777)
        try tree.remove(pid: 20)
        rename("\(tree.root)/999", "\(tree.root)/20")
        try tree.setStat(pid: 20, name: "evil", start: 777, cpuTicks: 0)
        let events = try inventory.tick()
        #expect(events.contains(.gone(application: "web")))
        let picture = inventory.picture()
        #expect(picture.processes.map(\.startTicks) == [777])
        #expect(picture.processes.map(\.listeners) == [[]])
        #expect(picture.unattributed.map(\.inode) == [5_001])
        #expect(picture.unattributed.map(\.uid) == [1000])
    }

    @Test("A hint that changes without a new process changes nothing")
    func falseHint() throws {
        try tree.add(pid: 20, name: "web", executable: "/usr/bin/web", sockets: [5_001])
        try listen([("0050", 5_001)])
        var inventory = try inventory()
        _ = try inventory.tick()
        try tree.add(pid: 999, name: "web", executable: "/usr/bin/web", sockets: [5_001])
        try tree.remove(pid: 20)
        rename("\(tree.root)/999", "\(tree.root)/20")
        try tree.setStat(pid: 20, name: "web", cpuTicks: 0)
        let events = try inventory.tick()
        #expect(events.isEmpty)
    }

    @Test("Every process that holds a socket is shown with it")
    func shared() throws {
        try tree.add(pid: 20, name: "master", start: 100, sockets: [5_001])
        try tree.add(pid: 21, parent: 20, name: "worker", start: 200, sockets: [5_001])
        try listen([("0050", 5_001)])
        var inventory = try inventory()
        _ = try inventory.tick()
        let picture = inventory.picture()
        #expect(picture.processes.map(\.listeners.count) == [1, 1])
        try tree.remove(pid: 20)
        let events = try inventory.tick()
        let takeover = events.contains {
            if case .takenOver(_, let from, let to, _) = $0 {
                from.process.pid == 20 && to.process.pid == 21
            } else {
                false
            }
        }
        #expect(takeover)
    }

    @Test("A listener that a process opens later is found, wherever its user says it should be")
    func laterListener() throws {
        for pid in 20..<60 as Range<Int32> { try tree.add(pid: pid, name: "p\(pid)", uid: 1000) }
        try tree.add(pid: 60, name: "root", uid: 0)
        var inventory = try inventory()
        _ = try inventory.tick()
        symlink("socket:[5001]", "\(tree.root)/60/fd/7")
        try listen([("0050", 5_001)])
        let events = try inventory.tick()
        guard case .startedListening(_, let owner) = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(owner?.process.pid == 60)
    }

    @Test("A service keeps its name while one of its processes lives")
    func serviceName() throws {
        let group = "/system.slice/mail.service"
        try tree.add(pid: 30, name: "smtpd", executable: "/usr/lib/smtpd", start: 300, cgroup: group)
        try tree.add(pid: 31, name: "master", executable: "/usr/sbin/master", start: 200, cgroup: group)
        var inventory = try inventory()
        let events = try inventory.tick()
        #expect(events.count == 1)
        try tree.remove(pid: 31)
        let later = try inventory.tick()
        #expect(later.isEmpty)
        let picture = inventory.picture()
        #expect(picture.processes.map(\.application) == ["master"])
        #expect(picture.processes.map(\.unit) == ["mail.service"])
    }

    @Test("What may not be read is marked, with what it would take")
    func gaps() throws {
        try tree.add(pid: 20, name: "web", executable: "/usr/bin/web", sockets: [5_001])
        try listen([("0050", 5_001)])
        var inventory = try inventory()
        inventory.reader.fault = { $0.hasSuffix("/fd") || $0.hasSuffix("/exe") ? EACCES : nil }
        let events = try inventory.tick()
        guard case .startedListening(let listener, nil) = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(listener.uid == 1000)
        let picture = inventory.picture()
        #expect(picture.gaps == [.executable, .sockets])
        #expect(picture.unreadableProcesses == 1)
        #expect(picture.missingCapabilities == ["CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"])
        #expect(picture.unattributed.map(\.inode) == [5_001])
        inventory.reader.fault = nil
        let later = try inventory.refresh()
        let identified = later.compactMap { event in
            if case .identified(_, let owner) = event { owner.process.pid } else { nil }
        }
        #expect(identified == [20])
        let whole = inventory.picture()
        #expect(whole.gaps.isEmpty && whole.unattributed.isEmpty)
    }

    @Test("More than is kept is left out, and marked")
    func limits() throws {
        for pid in 20..<30 as Range<Int32> { try tree.add(pid: pid, name: "p") }
        try listen((1...9).map { ("005\($0)", $0) })
        var limits = InventoryLimits()
        limits.processes = 4
        limits.sockets = 3
        var inventory = try inventory(limits)
        _ = try inventory.tick()
        let picture = inventory.picture()
        #expect(picture.processes.count == 4)
        #expect(picture.isTruncated)
        #expect(picture.unattributed.count == 3)
    }

    @Test("The processor's share takes two looks, 200 ms apart")
    func cpu() throws {
        let clock = HeldTime()
        try tree.add(pid: 20, name: "a", cpuTicks: 100)
        var inventory = try LiveInventory(
            root: tree.root, anchor: ClockAnchor(offsetNanoseconds: 0), clock: clock, userNames: Names())
        func share(after pause: Duration, ticks: UInt64) throws -> Double? {
            clock.advance(pause)
            try tree.setStat(pid: 20, name: "a", cpuTicks: ticks)
            _ = try inventory.refresh()
            return inventory.picture().processes.first?.cpuPercent
        }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        #expect(try share(after: .zero, ticks: 100) == 0)
        // One tick in a moment is no load.
        #expect(try share(after: .milliseconds(199), ticks: 101) == 0)
        #expect(try share(after: .milliseconds(1), ticks: 104) == 4 / ticks / 0.2 * 100)
        #expect(try share(after: .milliseconds(1), ticks: 104) == 4 / ticks / 0.2 * 100)
        #expect(try share(after: .seconds(1), ticks: 104) == 0)
    }

    @Test("Command lines are shown when asked for, without their secrets")
    func arguments() throws {
        try tree.add(pid: 20, name: "app")
        try tree.write("20/cmdline", "app\0--token\0hunter2\0")
        var inventory = try inventory()
        _ = try inventory.tick()
        let plain = inventory.picture()
        let shown = inventory.picture(withArguments: true)
        #expect(plain.processes.first?.redactedArguments == nil)
        #expect(shown.processes.first?.redactedArguments == "app --token \(ArgumentRedaction.mark)")
    }

    @Test("A process table that is not there is an error, and what is known stays")
    func noTable() throws {
        var code: DiscoveryError.Code?
        do { _ = try LiveInventory(root: "/nonexistent") } catch { code = error.code }
        #expect(code == .processTableUnreadable)
        try tree.add(pid: 20, name: "a")
        var inventory = try inventory()
        _ = try inventory.tick()
        inventory.reader.fault = { $0.isEmpty ? EMFILE : nil }
        code = nil
        do { _ = try inventory.tick() } catch { code = error.code }
        #expect(code == .processTableUnreadable)
        let picture = inventory.picture()
        #expect(picture.processes.count == 1)
    }
}
