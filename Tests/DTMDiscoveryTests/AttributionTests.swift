import CDTMLinux
import DTMCore
import DTMTestSupport
@testable import DTMDiscovery
import Glibc
import Testing

/// One after the other: while a test starts a program, that program holds whatever the others have open until it executes.
@Suite("With the kernel of this host", .serialized)
enum KernelTests {}

extension KernelTests {
    @Suite("Who is behind a connection", .serialized)
    struct AttributionTests {}
}

extension KernelTests.AttributionTests {
    /// A connection on this host, both ends of which this process holds.
    private struct Link {
        let client: TestSocket
        let server: TestSocket
        let listener: TestSocket
        let from: Endpoint
        let to: Endpoint

        init(_ address: IPAddress = .v4(0x7f00_0001)) throws {
            listener = try TestSocket.listener(at: address)
            client = try TestSocket.connected(to: listener.local)
            server = try listener.accept()
            from = server.remote
            to = server.local
        }
    }

    @Test("A connection of this process is told with user, inode and holder", arguments: ["127.0.0.1", "::1"])
    func own(address: String) throws {
        let link = try Link(try #require(IPAddress(address)))
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        let who = inventory.attribute(local: link.from, remote: link.to)
        #expect(who.uid == geteuid())
        #expect(who.inode == link.client.inode)
        #expect(who.cookie != nil)
        #expect(who.holder?.process.pid == getpid())
        #expect(who.holder?.executable != nil)
        #expect(!who.isAmbiguous)
    }

    @Test("A connection that was made after the last look is found")
    func unknownToTheInventory() throws {
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        let link = try Link()
        #expect(inventory.attribute(local: link.from, remote: link.to).holder?.process.pid == getpid())
    }

    @Test("An IPv6 socket that talks IPv4 is found by either way of writing the address")
    func mapped() throws {
        let listener = try TestSocket.listener(at: .v6(high: 0, low: 0))
        let port = listener.local.port
        let client = try TestSocket.connected(
            to: Endpoint(address: .v6(high: 0, low: 0xffff_7f00_0001), port: port))
        let server = try listener.accept()
        var inventory = try LiveInventory()
        for (from, to) in [
            (server.remote, server.local),
            (
                Endpoint(address: .v4(0x7f00_0001), port: server.remote.port),
                Endpoint(address: .v4(0x7f00_0001), port: port)
            ),
        ] {
            #expect(inventory.attribute(local: from, remote: to, search: .none).inode == client.inode)
        }
    }

    @Test("Two programs of one user with connections in turn to one listener are told apart")
    func twoPrograms() throws {
        let listener = try TestSocket.listener()
        var clients: [TestSocket] = []
        var servers: [TestSocket] = []
        for _ in 0..<20 {
            clients.append(try TestSocket.connected(to: listener.local))
            servers.append(try listener.accept())
        }
        let even = try TestProgram.sleeper(clients.enumerated().filter { $0.offset % 2 == 0 }.map(\.element))
        let odd = try TestProgram.tail(clients.enumerated().filter { $0.offset % 2 == 1 }.map(\.element))
        for client in clients { client.end() }
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        for (index, server) in servers.enumerated() {
            let who = inventory.attribute(local: server.remote, remote: server.local)
            #expect(who.holder?.process.pid == (index % 2 == 0 ? even.pid : odd.pid))
            #expect(who.holder?.executable?.hasSuffix(index % 2 == 0 ? "/sleep" : "/tail") == true)
        }
    }

    @Test("A socket that was inherited has two holders, and that is shown")
    func inherited() throws {
        let link = try Link()
        let child = try TestProgram.sleeper([link.client])
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        let both = inventory.attribute(local: link.from, remote: link.to)
        #expect(both.isAmbiguous)
        #expect(both.holder == nil)
        #expect(Set(both.holders.map(\.process.pid)) == [getpid(), child.pid])
        child.end()
        let one = inventory.attribute(local: link.from, remote: link.to)
        #expect(one.holder?.process.pid == getpid())
    }

    @Test("A child that came after the last look is found by a search everywhere")
    func lateChild() throws {
        let link = try Link()
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        let child = try TestProgram.sleeper([link.client])
        let quick = inventory.attribute(local: link.from, remote: link.to)
        #expect(quick.missing.contains(.otherHolders))
        let exact = inventory.attribute(local: link.from, remote: link.to, search: .everywhere)
        #expect(Set(exact.holders.map(\.process.pid)) == [getpid(), child.pid])
    }

    @Test("A socket that was passed to another process is that one's")
    func passed() throws {
        let link = try Link()
        let (ours, theirs) = try TestSocket.pair()
        #if arch(x86_64)
            let receive = 47
        #else
            let receive = 212
        #endif
        let script =
            "$b=\"\\0\"x16;$c=\"\\0\"x64;$i=pack('pQ',$b,16);$m=pack('QQpQpQQ',0,0,$i,1,$c,64,0);syscall(\(receive),0,$m,0);sleep 600"
        let receiver = try TestProgram("/usr/bin/perl", ["-e", script], input: theirs)
        theirs.end()
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        #expect(inventory.attribute(local: link.from, remote: link.to).holder?.process.pid == getpid())
        #expect(dtm_send_descriptor(ours.descriptor, 1, link.client.descriptor) >= 0)
        link.client.end()
        let moved = eventually {
            inventory.attribute(local: link.from, remote: link.to).holder?.process.pid == receiver.pid
        }
        #expect(moved)
    }

    @Test("A socket in flight between processes is nobody's")
    func inFlight() throws {
        let link = try Link()
        let (ours, theirs) = try TestSocket.pair()
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        #expect(dtm_send_descriptor(ours.descriptor, 1, link.client.descriptor) >= 0)
        link.client.end()
        let who = inventory.attribute(local: link.from, remote: link.to, search: .everywhere)
        #expect(who.holders.isEmpty)
        #expect(who.missing.contains(.holders))
        #expect(who.uid == geteuid())
        withExtendedLifetime(theirs) {}
    }

    @Test("What is closed, what never was and what belongs to nobody is nobody's")
    func nobody() throws {
        let link = try Link()
        var inventory = try LiveInventory()
        _ = try inventory.tick()
        let none = Endpoint(address: .v4(0x7f00_0001), port: 1)
        #expect(inventory.attribute(local: none, remote: link.to).missing == [.connection])
        // A listener is no connection, though the kernel falls back to it.
        let other = Endpoint(address: .v4(0x7f00_0001), port: 9)
        let listening = inventory.attribute(local: link.listener.local, remote: other)
        #expect(listening.missing == [.connection])
        link.client.end()
        let closed = inventory.attribute(local: link.from, remote: link.to)
        #expect(closed.uid == nil)
        #expect(closed.holders.isEmpty)
        #expect(!closed.missing.isDisjoint(with: [.owner, .connection]))
    }

    @Test("Without netlink the tables have to do, and the loss is named")
    func withoutNetlink() throws {
        let link = try Link()
        var inventory = try LiveInventory(useNetlink: false)
        _ = try inventory.refresh()
        let who = inventory.attribute(local: link.from, remote: link.to)
        #expect(who.holder?.process.pid == getpid())
        #expect(who.controlGroup == nil)
        #expect(inventory.picture().losses == SocketLoss.ofTables)
    }
}
