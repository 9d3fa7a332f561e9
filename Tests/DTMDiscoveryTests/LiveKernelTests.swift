import DTMCore
import DTMTestSupport
@testable import DTMDiscovery
import Glibc
import Testing

extension KernelTests {
    @Suite("The live inventory of this host", .serialized)
    struct LiveInventoryTests {}
}

extension KernelTests.LiveInventoryTests {
    private func started(_ events: [InventoryEvent]) -> [(ObservedListener, ListenerOwner?)] {
        events.compactMap { if case .startedListening(let listener, let owner) = $0 { (listener, owner) } else { nil } }
    }

    @Test("New listeners of every kind are seen in the next tick with their owner")
    func listenersOfAllKinds() throws {
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        let path = "/tmp/dtm-live-\(getpid()).sock"
        defer { unlink(path) }
        let four = try TestSocket.listener()
        let six = try TestSocket.listener(at: .v6(high: 0, low: 1))
        let datagram = try TestSocket.datagram()
        let file = try TestSocket.unixListener(Array(path.utf8) + [0])
        let abstract = try TestSocket.unixListener([0] + Array("dtm-live-\(getpid())".utf8))
        let seen = started(try inventory.tick())
        let expected: [(TestSocket, SocketTransport, ObservedListener.Place)] = [
            (four, .tcp, .ip(four.local)), (six, .tcp6, .ip(six.local)), (datagram, .udp, .ip(datagram.local)),
            (file, .unix, .unix(path: path)), (abstract, .unix, .unix(path: "@dtm-live-\(getpid())")),
        ]
        for (socket, transport, place) in expected {
            let match = seen.first { $0.0.inode == socket.inode }
            #expect(match?.0.transport == transport)
            #expect(match?.0.place == place)
            #expect(match?.0.uid == geteuid())
            #expect(match?.1?.process.pid == getpid())
        }
        let own = try #require(inventory.picture().processes.first { $0.pid == getpid() })
        #expect(Set(expected.map(\.0.inode)).isSubset(of: own.listeners.map(\.inode)))
        #expect(own.openDescriptors ?? 0 > 5)
        #expect(own.isInOtherNetwork == false)
        let inode = four.inode
        four.end()
        let events = try inventory.tick()
        let stopped = events.contains {
            if case .stoppedListening(let listener, _) = $0 { listener.inode == inode } else { false }
        }
        #expect(stopped)
    }

    /// Root in the first namespaces: there the kernel tells of processes. The file is in the first network namespace alone.
    private static var isFirst: Bool {
        var space = stat()
        return geteuid() == 0 && access("/proc/net/connector", F_OK) == 0
            && stat("/proc/self/ns/pid", &space) == 0 && space.st_ino == 0xeffffffc
            && stat("/proc/self/ns/user", &space) == 0 && space.st_ino == 0xeffffffd
    }

    @Test("The kernel tells of processes in its first namespaces, and nowhere else")
    func hasProcessEvents() throws {
        let told = try LiveInventory()
        let polling = try LiveInventory(useProcessEvents: false)
        let (one, other) = (told.hasProcessEvents, polling.hasProcessEvents)
        #expect(one == Self.isFirst)
        #expect(!other)
    }

    @Test(
        "A program that is executed by an old process is noticed in the next tick where the kernel tells of it",
        .enabled(if: isFirst, "only root in the first namespaces is told"))
    func toldOfExec() throws {
        let (ours, theirs) = try TestSocket.pair()
        let program = try TestProgram("/bin/sh", ["-c", "read line; exec sleep 600"], input: theirs)
        theirs.end()
        var limits = InventoryLimits()
        limits.rotationPerTick = 0
        limits.talkersPerTick = 0
        limits.othersPerTick = 0
        var inventory = try LiveInventory(limits: limits)
        for _ in 0..<5 { _ = try inventory.tick() }
        #expect(inventory.picture().processes.contains { $0.pid == program.pid && $0.name == "sh" })
        #expect(write(ours.descriptor, "\n", 1) == 1)
        let isExecuted = eventually {
            guard let folder = try? inventory.reader.folder(program.pid) else { return false }
            try? inventory.reader.link(folder, "exe")
            return String(decoding: inventory.reader.bytes, as: UTF8.self).hasSuffix("/sleep")
        }
        #expect(isExecuted)
        _ = try inventory.tick()
        #expect(inventory.picture().processes.contains { $0.pid == program.pid && $0.name == "sleep" })
    }

    @Test(
        "With or without the kernel's events the same processes are seen; those that no look meets are counted",
        .enabled(if: isFirst, "only root in the first namespaces is told"))
    func sameWithAndWithoutEvents() throws {
        var told = try LiveInventory()
        var polling = try LiveInventory(useProcessEvents: false)
        var programs: [TestProgram] = []
        for round in 0..<30 {
            if round % 2 == 0 { programs.append(try TestProgram.sleeper()) } else { programs.removeFirst().end() }
            if round % 5 == 0 { programs.insert(try TestProgram.tail(), at: 0) }
            try TestProgram("/bin/true", []).end()
            _ = try told.tick()
            _ = try polling.tick()
            for program in programs {
                let isSeen = (told.table.slotOf[program.pid] != nil, polling.table.slotOf[program.pid] != nil)
                #expect(isSeen.0 && isSeen.1)
            }
        }
        let pids = programs.map(\.pid)
        for program in programs { program.end() }
        _ = try told.tick()
        let isGone = pids.allSatisfy { told.table.slotOf[$0] == nil }
        #expect(isGone)
        let (counted, uncounted) = (told.briefProcesses, polling.briefProcesses)
        #expect(counted >= 25)
        #expect(uncounted == 0)
    }

    @Test("Whoever opens something shows it by the count of descriptors, where the kernel tells it")
    func descriptorCounts() throws {
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        let child = try TestProgram.sleeper()
        var folder = stat()
        #expect(stat("/proc/\(child.pid)/fd", &folder) == 0)
        // While it starts it opens this and that.
        let isSettled = try eventually {
            _ = try inventory.refresh(withCounters: false)
            guard let slot = inventory.table.slotOf[child.pid] else { return false }
            return inventory.table.slots[slot].name == "sleep" && !inventory.hasOtherCount(slot)
        }
        #expect(isSettled)
        let slot = try #require(inventory.table.slotOf[child.pid])
        let (known, told) = (inventory.table.slots[slot].descriptors, inventory.reader.descriptorCount(child.pid))
        #expect(told == (folder.st_size > 0 ? known : nil))
        let own = try #require(inventory.table.slotOf[getpid()])
        let more = try (0..<64).map { _ in try TestSocket.listener() }
        let isOther = inventory.hasOtherCount(own)
        #expect(isOther == (folder.st_size > 0))
        withExtendedLifetime(more) {}
    }

    @Test("A listener that a child inherits is taken over by it when its parent lets go")
    func handedOver() throws {
        let listener = try TestSocket.listener()
        let endpoint = listener.local
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        let child = try TestProgram.sleeper([listener])
        _ = try inventory.tick()
        listener.end()
        var takeover: (ListenerOwner, ListenerOwner, Set<ListenerOwner.Difference>)?
        let isSeen = try eventually {
            for case .takenOver(let what, let from, let to, let how) in try inventory.tick()
            where what.place == .ip(endpoint) { takeover = (from, to, how) }
            return takeover != nil
        }
        #expect(isSeen)
        #expect(takeover?.0.process.pid == getpid())
        #expect(takeover?.1.process.pid == child.pid)
        #expect(takeover?.2 == [.process, .executable])
    }

    @Test("A port that changes hands between two ticks is a takeover")
    func reopened() throws {
        let listener = try TestSocket.listener()
        let endpoint = listener.local
        let first = try TestProgram.sleeper([listener])
        listener.end()
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        first.end()
        let again = try TestSocket.listener(port: endpoint.port)
        let second = try TestProgram.tail([again])
        again.end()
        let events = try inventory.tick()
        let takeovers = events.compactMap { event -> (Int32, Int32)? in
            guard case .takenOver(let what, let from, let to, _) = event, what.place == .ip(endpoint) else {
                return nil
            }
            return (from.process.pid, to.process.pid)
        }
        #expect(takeovers.map(\.0) == [first.pid])
        #expect(takeovers.map(\.1) == [second.pid])
    }

    @Test("Peers of a listener are told once")
    func peers() throws {
        let listener = try TestSocket.listener()
        var inventory = try LiveInventory()
        _ = try inventory.refresh()
        let client = try TestSocket.connected(to: listener.local)
        let server = try listener.accept()
        let holder = try TestProgram.sleeper([client])
        client.end()
        func peers(_ events: [InventoryEvent]) -> [ListenerPeer] {
            events.compactMap { event in
                guard case .newPeer(let what, let peer, _) = event, what.inode == listener.inode else { return nil }
                return peer
            }
        }
        #expect(peers(try inventory.refresh()) == [.application("sleep", uid: geteuid())])
        #expect(peers(try inventory.refresh()).isEmpty)
        let all = inventory.picture().processes
        let connection = all.first { $0.pid == getpid() }?.connections.first { $0.inode == server.inode }
        #expect(connection?.peerPID == holder.pid)
        #expect(connection?.bytesIn == 0)
        #expect(connection?.roundTripMicroseconds != nil)
    }

    @Test("A survey tells what connections carried, and what each process uses")
    func survey() throws {
        let listener = try TestSocket.listener()
        var inventory = try LiveInventory()
        _ = try inventory.survey()
        let client = try TestSocket.connected(to: listener.local)
        let server = try listener.accept()
        #expect(write(client.descriptor, "12345", 5) == 5)
        let child = try TestProgram.sleeper()
        let isCounted = try eventually {
            _ = try inventory.survey()
            let own = inventory.picture().processes.first { $0.pid == getpid() }
            return own?.connections.first { $0.inode == server.inode }?.bytesIn == 5
        }
        #expect(isCounted)
        #expect(inventory.picture().processes.contains { $0.pid == child.pid })
        let slot = try #require(inventory.table.slotOf[getpid()])
        let sampledAt = inventory.table.slots[slot].sampledAt
        #expect(
            try eventually {
                _ = try inventory.survey()
                return inventory.table.slots[slot].sampledAt > sampledAt
            })
    }

    @Test("A program that is replaced by another is noticed")
    func replaced() throws {
        let (ours, theirs) = try TestSocket.pair()
        let program = try TestProgram("/bin/sh", ["-c", "read line; exec sleep 600"], input: theirs)
        theirs.end()
        var inventory = try LiveInventory()
        let isShell = try eventually {
            _ = try inventory.tick()
            return inventory.picture().processes.contains { $0.pid == program.pid && $0.name == "sh" }
        }
        #expect(isShell)
        #expect(write(ours.descriptor, "\n", 1) == 1)
        let isSleep = try eventually {
            _ = try inventory.refresh(withCounters: false)
            return inventory.picture().processes.contains { $0.pid == program.pid && $0.application == "sleep" }
        }
        #expect(isSleep)
    }

    @Test("Processes that come and go while they are read leave nothing behind")
    func shortLived() throws {
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        var pids: Set<Int32> = []
        for _ in 0..<20 {
            let programs = try (0..<10).map { _ in try TestProgram("/bin/true", []) }
            pids.formUnion(programs.map(\.pid))
            _ = try inventory.tick()
            for program in programs { program.end() }
            _ = try inventory.refresh(withCounters: false)
        }
        let picture = inventory.picture()
        // Others on this host may run the same program.
        #expect(!picture.processes.contains { pids.contains($0.pid) })
        #expect(!picture.isTruncated)
        #expect(inventory.table.slots.count < inventory.table.count + 64)
    }

    @Test("Netlink and the tables show the same")
    func sameFromBothSources() throws {
        let listener = try TestSocket.listener()
        let client = try TestSocket.connected(to: listener.local)
        let six = try TestSocket.listener(at: .v6(high: 0, low: 1))
        var direct = try LiveInventory()
        var tables = try LiveInventory(useNetlink: false)
        _ = try direct.refresh()
        _ = try tables.refresh()
        for inode in [listener.inode, six.inode, client.inode] {
            let ours = direct.row(inode)
            let theirs = tables.row(inode)
            let row = try #require(ours)
            let other = try #require(theirs)
            #expect(row.local == other.local && row.remote == other.remote && row.uid == other.uid)
            #expect(row.state == other.state && row.transport == other.transport)
        }
        #expect(direct.picture().losses.isEmpty)
    }
}
