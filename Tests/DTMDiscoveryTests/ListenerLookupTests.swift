import DTMCore
@testable import DTMDiscovery
import Glibc
import Testing

@Suite("Who listens where")
struct ListenerLookupTests {
    private let tree: ProcessTree
    private let any6 = String(repeating: "0", count: 32)
    private let loopback6 = "00000000000000000000000001000000"
    private let mapped = "0000000000000000FFFF00000100007F"

    init() throws { tree = try ProcessTree() }

    private func lookup() -> ListenerLookup {
        ListenerLookup(root: tree.root, userNames: Names(), localAddresses: { [.v4(0x0a00_0005)] })
    }

    /// Listeners at these local addresses, inodes from 1; `tcp6` ones from 101.
    private func listen(tcp: [String] = [], tcp6: [String] = []) throws {
        func rows(_ locals: [String], from first: UInt64) -> [(String, String, String, UInt32, UInt64)] {
            locals.enumerated().map { ($1, "00000000:0000", "0A", UInt32($0) + 1_000, first + UInt64($0)) }
        }
        try tree.setTable("tcp", rows(tcp, from: 1).map { $0 })
        let six = rows(tcp6, from: 101).map { ($0.0, "\(any6):0000", $0.2, $0.3, $0.4) }
        try tree.setTable("tcp6", six)
    }

    private func inode(_ endpoint: String) throws -> UInt64? {
        lookup().listener(accepting: try #require(Endpoint(endpoint)))?.inode
    }

    @Test("The very address goes before all addresses")
    func exact() throws {
        try listen(tcp: ["00000000:0050", "0100007F:0050", "0200007F:0050"])
        #expect(try inode("127.0.0.1:80") == 2)
        #expect(try inode("127.0.0.2:80") == 3)
        #expect(try inode("127.0.0.3:80") == 1)
        #expect(try inode("127.0.0.1:81") == nil)
    }

    @Test("A listener on all addresses is reached through this host's addresses alone")
    func wildcard() throws {
        try listen(tcp: ["00000000:0050"])
        #expect(try inode("10.0.0.5:80") == 1)
        #expect(try inode("10.0.0.6:80") == nil)
        #expect(try inode("0.0.0.0:80") == 1)
    }

    @Test("An IPv6 listener on all addresses takes IPv4 as well, unless an IPv4 one is there")
    func dualStack() throws {
        try listen(tcp6: ["\(any6):0050"])
        #expect(try inode("127.0.0.1:80") == 101)
        #expect(try inode("[::1]:80") == 101)
        try listen(tcp: ["00000000:0050"], tcp6: ["\(any6):0050"])
        #expect(try inode("127.0.0.1:80") == 1)
        #expect(try inode("[::1]:80") == 101)
    }

    @Test("An IPv4 listener takes no IPv6")
    func noIPv6() throws {
        try listen(tcp: ["00000000:0050"])
        #expect(try inode("[::1]:80") == nil)
    }

    @Test("An IPv6 listener on one address takes nothing else")
    func exactIPv6() throws {
        try listen(tcp6: ["\(loopback6):0050"])
        #expect(try inode("[::1]:80") == 101)
        #expect(try inode("127.0.0.1:80") == nil)
    }

    @Test("IPv4 addresses that are written as IPv6 mean the same, on both sides")
    func mappedAddresses() throws {
        try listen(tcp6: ["\(mapped):0050"])
        #expect(try inode("127.0.0.1:80") == 101)
        try listen(tcp: ["0100007F:0050"])
        #expect(try inode("[::ffff:127.0.0.1]:80") == 1)
    }

    @Test("The earliest of the processes that share a listener owns it")
    func sharedListener() throws {
        try listen(tcp: ["0100007F:0050"])
        try tree.add(pid: 40, name: "worker", start: 500, sockets: [1])
        try tree.add(pid: 41, name: "master", start: 400, sockets: [1])
        try tree.add(pid: 39, name: "other", start: 1, sockets: [2])
        let endpoint = try #require(Endpoint("127.0.0.1:80"))
        #expect(try lookup().owner(ofListener: endpoint)?.pid == 41)
    }

    @Test("A listener whose process can't be read has a user and no process")
    func unreadableOwner() throws {
        try listen(tcp: ["0100007F:0050"])
        let endpoint = try #require(Endpoint("127.0.0.1:80"))
        #expect(try lookup().owner(ofListener: endpoint) == nil)
        #expect(lookup().listener(accepting: endpoint)?.uid == 1_000)
        #expect(lookup().ownerUID(of: .tcp(host: "127.0.0.1", port: 80)) == 1_000)
    }

    @Test("The owner of a target: localhost is looked up in both families, other names are not")
    func ownerOfTarget() throws {
        try listen(tcp6: ["\(loopback6):0050"])
        #expect(lookup().ownerUID(of: .tcp(host: "localhost", port: 80)) == 1_000)
        #expect(lookup().ownerUID(of: .tcp(host: "::1", port: 80)) == 1_000)
        #expect(lookup().ownerUID(of: .tcp(host: "example.org", port: 80)) == nil)
        #expect(lookup().ownerUID(of: .tcp(host: "192.0.2.1", port: 80)) == nil)
    }

    @Test("The owner of a Unix socket is who owns its path")
    func ownerOfPath() {
        #expect(lookup().ownerUID(of: .unix(path: tree.root)) == geteuid())
        #expect(lookup().ownerUID(of: .unix(path: "\(tree.root)/none")) == nil)
    }

    @Test("The listeners of a process; none is an answer, no process is an error")
    func listenersOfProcess() throws {
        try listen(tcp: ["0100007F:0050"])
        try tree.add(pid: 40, name: "web", sockets: [1])
        try tree.add(pid: 41, name: "idle")
        #expect(try lookup().listeners(of: 40).map(\.port) == [80])
        #expect(try lookup().listeners(of: 41).isEmpty)
        for pid in [42, 0, -1] as [Int32] {
            let error = #expect(throws: DiscoveryError.self) { try lookup().listeners(of: pid) }
            #expect(error?.code == .processGone)
        }
    }

    @Test("Applications are found by their name, otherwise processes by theirs, the earliest first")
    func find() throws {
        try tree.add(pid: 40, name: "python3", executable: "/usr/bin/jupyter", start: 9)
        try tree.add(pid: 41, name: "jupyter", executable: "/usr/bin/python3", start: 8)
        try tree.add(pid: 42, name: "x", executable: "/usr/bin/jupyter", start: 7)
        #expect(try lookup().find(application: "jupyter").map(\.pid) == [42, 40])
        #expect(try lookup().find(application: "x").map(\.pid) == [42])
        #expect(try lookup().find(application: "nothing").isEmpty)
    }

    @Test("Sockets and executables that one may not see are said to be so")
    func notPermitted() throws {
        try tree.add(pid: 40, name: "web", executable: "/usr/bin/web", uid: 7)
        var lookup = lookup()
        lookup.inventory.files.fault = { $0.hasSuffix("/fd") || $0.hasSuffix("/exe") ? EACCES : nil }
        let error = #expect(throws: DiscoveryError.self) { try lookup.listeners(of: 40) }
        #expect(error?.code == .notPermitted)
        #expect(error?.message.contains("uid 7") == true)
        let observation = try lookup.inventory.snapshot().first
        #expect(observation?.gaps == [.sockets, .executable])
        #expect(observation?.executable == nil)
        #expect(observation?.application == "web")
    }

    @Test("Descriptors that close while they are read are no error")
    func closing() throws {
        try listen(tcp: ["0100007F:0050", "0100007F:0051"])
        try tree.add(pid: 40, name: "web", sockets: [1, 2])
        var lookup = lookup()
        lookup.inventory.files.fault = { $0 == "40/fd/3" ? ENOENT : nil }
        #expect(try lookup.listeners(of: 40).map(\.port) == [81])
    }
}
