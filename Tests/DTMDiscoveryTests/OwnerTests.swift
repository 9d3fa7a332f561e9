import DTMCore
@testable import DTMDiscovery
import Glibc
import Testing

@Suite("Whose a target is")
struct OwnerTests {
    private let tree: ProcessTree
    private let any6 = String(repeating: "0", count: 32)
    private let loopback6 = "00000000000000000000000001000000"
    private let mapped = "0000000000000000FFFF00000100007F"

    init() throws { tree = try ProcessTree() }

    /// Listeners at these local addresses, of the users 1 and up; `tcp6` ones of 101 and up.
    private func listen(tcp: [String] = [], tcp6: [String] = []) throws {
        func rows(
            _ locals: [String], _ remote: String, from first: UInt32
        ) -> [(local: String, remote: String, state: String, uid: UInt32, inode: UInt64)] {
            locals.enumerated().map {
                (local: $1, remote: remote, state: "0A", uid: UInt32($0) + first, inode: UInt64($0) + UInt64(first))
            }
        }
        try tree.setTable("tcp", rows(tcp, "00000000:0000", from: 1))
        try tree.setTable("tcp6", rows(tcp6, "\(any6):0000", from: 101))
    }

    private func owners(_ targets: Target...) throws -> [UInt32?] {
        var inventory = try LiveInventory(
            root: tree.root, anchor: ClockAnchor(offsetNanoseconds: 0), userNames: Names())
        return inventory.ownerUIDs(of: targets, localAddresses: [.v4(0x0a00_0005)])
    }

    @Test("The very address goes before all addresses")
    func exact() throws {
        try listen(tcp: ["00000000:0050", "0100007F:0050", "0200007F:0050"])
        let found = try owners(
            .tcp(host: "127.0.0.1", port: 80), .tcp(host: "127.0.0.2", port: 80), .tcp(host: "127.0.0.3", port: 80),
            .tcp(host: "127.0.0.1", port: 81))
        #expect(found == [2, 3, 1, nil])
    }

    @Test("A listener on all addresses is reached through this host's addresses alone")
    func wildcard() throws {
        try listen(tcp: ["00000000:0050"])
        let found = try owners(
            .tcp(host: "10.0.0.5", port: 80), .tcp(host: "10.0.0.6", port: 80), .tcp(host: "0.0.0.0", port: 80),
            .tcp(host: "::1", port: 80))
        #expect(found == [1, nil, 1, nil])
    }

    @Test("An IPv6 listener on all addresses takes IPv4 as well, unless an IPv4 one is there")
    func dualStack() throws {
        let targets = [Target.tcp(host: "127.0.0.1", port: 80), .tcp(host: "::1", port: 80)]
        try listen(tcp6: ["\(any6):0050"])
        #expect(try owners(targets[0], targets[1]) == [101, 101])
        try listen(tcp: ["00000000:0050"], tcp6: ["\(any6):0050"])
        #expect(try owners(targets[0], targets[1]) == [1, 101])
    }

    @Test("An IPv6 listener on one address takes nothing else")
    func exactIPv6() throws {
        try listen(tcp6: ["\(loopback6):0050"])
        #expect(try owners(.tcp(host: "::1", port: 80), .tcp(host: "127.0.0.1", port: 80)) == [101, nil])
    }

    @Test("IPv4 addresses that are written as IPv6 mean the same, on both sides")
    func mappedAddresses() throws {
        try listen(tcp6: ["\(mapped):0050"])
        #expect(try owners(.tcp(host: "127.0.0.1", port: 80)) == [101])
        try listen(tcp: ["0100007F:0050"])
        #expect(try owners(.tcp(host: "::ffff:127.0.0.1", port: 80)) == [1])
    }

    @Test("localhost is looked up in both families, other names are not")
    func names() throws {
        try listen(tcp6: ["\(loopback6):0050"])
        let found = try owners(
            .tcp(host: "localhost", port: 80), .tcp(host: "example.org", port: 80), .tcp(host: "192.0.2.1", port: 80))
        #expect(found == [101, nil, nil])
    }

    @Test("The owner of a Unix socket is who owns its path")
    func paths() throws {
        #expect(try owners(.unix(path: tree.root), .unix(path: "\(tree.root)/none")) == [geteuid(), nil])
    }

    @Test("This host's kernel says the same of a listener of this process")
    func kernel() throws {
        let listener = try TestSocket.listener()
        var inventory = try LiveInventory()
        let found = inventory.ownerUIDs(of: [
            .tcp(host: "localhost", port: listener.local.port), .tcp(host: "127.0.0.1", port: listener.local.port),
        ])
        #expect(found == [geteuid(), geteuid()])
    }
}
