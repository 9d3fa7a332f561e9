import DTMCore
import DTMPolicy
import Glibc
import Testing

@Suite("Accounts and peers")
struct AccountDirectoryTests {
    private struct Accounts: AccountDirectory {
        func userName(_ uid: UInt32) -> String? { uid == 1000 ? "alice" : nil }
        func groupName(_ gid: UInt32) -> String? { [1000: "alice", 27: "sudo"][gid] }
        func uid(named name: String) -> UInt32? { name == "alice" ? 1000 : nil }
        func gid(named name: String) -> UInt32? { ["alice": 1000, "sudo": 27][name] }
        func groups(ofUser name: String, primary: UInt32) -> [UInt32] { [primary, 27, 99] }
    }

    @Test("A caller gets the names of its ids, and the database's groups where the kernel tells none")
    func completed() {
        let caller = Accounts().caller(uid: 1000, gid: 1000, pid: 7)
        #expect(caller.userName == "alice")
        #expect(caller.supplementaryGroups == [27, 99])
        #expect(caller.groupNames == ["alice", "sudo"])
    }

    @Test("The kernel's groups go before the database's")
    func kernelGroups() {
        #expect(Accounts().caller(uid: 1000, gid: 1000, kernelGroups: []).groupNames == ["alice"])
    }

    @Test("An unknown user has neither name nor groups")
    func unknown() {
        let caller = Accounts().caller(uid: 5, gid: 5)
        #expect(caller.userName == nil)
        #expect(caller.groupNames.isEmpty)
    }

    @Test("Rules that name nobody are found")
    func rulesWithoutAccount() throws {
        let policy = try AdmissionPolicy(rules: [
            "user:alice", "user:alcie", "group:sudo", "group:nope+exe:/bin/sh", "uid:77",
        ])
        #expect(
            Accounts().rulesWithoutAccount(in: policy).map(\.description) == ["user:alcie", "group:nope+exe:/bin/sh"])
    }

    @Test("libc knows root")
    func libc() {
        let accounts = LibcAccountDirectory()
        #expect(accounts.userName(0) == "root")
        #expect(accounts.groupName(0) == "root")
        #expect(accounts.uid(named: "root") == 0)
        #expect(accounts.gid(named: "root") == 0)
        #expect(accounts.groups(ofUser: "root", primary: 0).contains(0))
        #expect(accounts.uid(named: "no-such-user-here") == nil)
        #expect(accounts.userName(4_000_000_001) == nil)
    }

    @Test("The kernel says who is at the other end of a Unix socket")
    func peer() throws {
        var descriptors: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &descriptors) == 0)
        defer { descriptors.forEach { close($0) } }
        let peer = try #require(PeerCredentials(descriptor: descriptors[0]))
        #expect(peer.pid == getpid())
        #expect(peer.uid == geteuid())
        #expect(peer.gid == getegid())
        var groups = [gid_t](repeating: 0, count: 65_536)
        let count = getgroups(Int32(groups.count), &groups)
        #expect(peer.groups.map { Set($0) } == Set(groups.prefix(Int(count))))
    }

    @Test("What is no connected Unix socket has no peer")
    func noPeer() {
        let unconnected = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(unconnected) }
        #expect(PeerCredentials(descriptor: unconnected) == nil)
        #expect(PeerCredentials(descriptor: -1) == nil)
    }
}
