import DTMCore
import DTMTestSupport
@testable import DTMDiscovery
import Glibc
import Testing

@Suite("How far holders are searched for")
struct AttributionSearchTests {
    private static let crowd = 20..<60 as Range<Int32>
    private static let caller: Int32 = 90
    private let tree: ProcessTree
    private let client = Endpoint(address: .v4(0x7f00_0001), port: 50_000)
    private let server = Endpoint(address: .v4(0x7f00_0001), port: 6_379)

    /// Many processes of one user with a socket each, and one without any.
    init() throws {
        tree = try ProcessTree()
        for pid in Self.crowd { try tree.add(pid: pid, name: "crowd", executable: "/bin/crowd", sockets: [inode(pid)]) }
        try tree.add(pid: Self.caller, name: "caller", executable: "/bin/caller")
        try setTable(withConnection: nil)
    }

    private func inode(_ pid: Int32) -> UInt64 { 1_000 + UInt64(pid) }

    private func setTable(withConnection inode: UInt64?, uid: UInt32 = 1000) throws {
        var rows = Self.crowd.map { pid in
            (local: "0100007F:\(1_000 + pid)", remote: "00000000:0000", state: "0A", uid: uid, inode: self.inode(pid))
        }
        if let inode { rows.append(("0100007F:C350", "0100007F:18EB", "01", uid, inode)) }
        try tree.setTable("tcp", rows)
    }

    private func inventory(_ change: (inout InventoryLimits) -> Void = { _ in }) throws -> LiveInventory {
        var limits = InventoryLimits()
        limits.searchesPerTick = 4
        change(&limits)
        var inventory = try LiveInventory(
            root: tree.root, anchor: ClockAnchor(offsetNanoseconds: 0),
            clock: FixedTime(timestamp: Timestamp(milliseconds: 0)),
            userNames: Names(), limits: limits)
        for _ in 0..<2 { _ = try inventory.tick() }
        return inventory
    }

    /// The caller connects.
    private func connect(_ inode: UInt64 = 7_001, uid: UInt32 = 1000) throws {
        let link = "\(tree.root)/\(Self.caller)/fd/3"
        unlink(link)
        symlink("socket:[\(inode)]", link)
        try setTable(withConnection: inode, uid: uid)
    }

    @Test("A process that held no socket when the last look was made is found among many that did")
    func withoutSockets() throws {
        var inventory = try inventory()
        try connect()
        #expect(inventory.attribute(local: client, remote: server).holder?.process.pid == Self.caller)
    }

    @Test("So is one that ended up with another user's socket")
    func otherUser() throws {
        var inventory = try inventory()
        try connect(uid: 55)
        #expect(inventory.attribute(local: client, remote: server).holder?.process.pid == Self.caller)
    }

    @Test("A process that began after the last look is looked at before the crowd")
    func newProcess() throws {
        var inventory = try inventory()
        try tree.add(pid: 91, name: "new", executable: "/bin/new", start: 200, sockets: [7_001])
        try setTable(withConnection: 7_001)
        // Nobody else can be read by now.
        inventory.reader.fault = { !$0.hasPrefix("91") && $0.hasSuffix("/fd") ? EIO : nil }
        #expect(inventory.attribute(local: client, remote: server).holder?.process.pid == 91)
    }

    @Test("A user whose share of searches is used up gets no search, and nobody is named; what is known is still told")
    func noAllowance() throws {
        var inventory = try inventory { $0.userSearchShare = 0 }
        try connect()
        let who = inventory.attribute(local: client, remote: server)
        #expect(who.holders.isEmpty)
        #expect(who.missing.isSuperset(of: [.holders, .otherHolders]))
        #expect(who.uid == 1000)
        _ = try inventory.refresh()
        #expect(inventory.attribute(local: client, remote: server).holder?.process.pid == Self.caller)
        // And it is found again where it was, with the next connection.
        try connect(7_002)
        #expect(inventory.attribute(local: client, remote: server).holder?.process.pid == Self.caller)
    }

    @Test("Many callers in turn are each found again where they were, without a search")
    func manyCallers() throws {
        var inventory = try inventory()
        func connect(_ pid: Int32, _ inode: UInt64) throws {
            let link = "\(tree.root)/\(pid)/fd/4"
            unlink(link)
            symlink("socket:[\(inode)]", link)
            try setTable(withConnection: inode)
        }
        for pid in Self.crowd {
            try connect(pid, 7_000 + UInt64(pid))
            #expect(inventory.attribute(local: client, remote: server).holder?.process.pid == pid)
        }
        inventory.reader.fault = { $0.hasSuffix("/fd") ? EIO : nil }
        for pid in [Self.crowd.lowerBound, Self.crowd.upperBound - 1] {
            try connect(pid, 8_000 + UInt64(pid))
            #expect(inventory.attribute(local: client, remote: server).holder?.process.pid == pid)
        }
        inventory.reader.fault = nil
        _ = try inventory.refresh()
        let held = inventory.table.slots.filter(\.isLive).map(\.held.count)
        #expect(held.sorted() == [0] + Self.crowd.map { _ in 2 })
    }

    @Test("A search that finds nobody is paid for by the user of the socket")
    func pays() throws {
        var inventory = try inventory()
        try setTable(withConnection: 7_001)
        let before = inventory.searchBudget.allowance(of: 1000, at: 0)
        #expect(inventory.attribute(local: client, remote: server).missing.contains(.holders))
        #expect(inventory.searchBudget.allowance(of: 1000, at: 0) < before)
        #expect(inventory.searchBudget.allowance(of: 55, at: 0) == before)
    }

    @Test("Within a tick a process without sockets is found by its count of descriptors or in one of the next ticks")
    func tick() throws {
        var inventory = try inventory()
        try connect()
        for _ in 0..<20 { _ = try inventory.tick() }
        let caller = inventory.picture().processes.first { $0.pid == Self.caller }
        #expect(caller?.connections.map(\.inode) == [7_001])
    }

    @Test("A process that an attribution met between fork and exec is looked at again by the next ticks")
    func execAfterAttribution() throws {
        var inventory = try inventory()
        try tree.add(pid: 91, name: "new", executable: "/bin/sh", start: 200)
        try setTable(withConnection: 7_001)
        for _ in 0..<5 { _ = inventory.attribute(local: client, remote: server) }
        unlink("\(tree.root)/91/exe")
        symlink("/bin/new", "\(tree.root)/91/exe")
        _ = try inventory.tick()
        let executable = inventory.picture().processes.first { $0.pid == 91 }?.executable
        #expect(executable == "/bin/new")
    }
}

@Suite("The budget of searches")
struct SearchBudgetTests {
    private static let second: Int64 = 1_000_000_000
    private let limits = InventoryLimits()

    @Test("A user has what was saved, and then his share as time passes")
    func user() {
        var budget = SearchBudget(limits: limits)
        let whole = budget.allowance(of: 1, at: 0)
        #expect(whole == 500_000_000)
        budget.charge(whole, to: 1, at: 0)
        #expect(budget.allowance(of: 1, at: 0) == 0)
        #expect(budget.allowance(of: 1, at: Self.second) == 100_000_000)
        #expect(budget.allowance(of: 1, at: 100 * Self.second) == whole)
    }

    @Test("What was taken beyond the allowance has to be waited for")
    func debt() {
        var budget = SearchBudget(limits: limits)
        budget.charge(800_000_000, to: 1, at: 0)
        #expect(budget.allowance(of: 1, at: 3 * Self.second) == 0)
        #expect(budget.allowance(of: 1, at: 4 * Self.second) == 100_000_000)
    }

    @Test("One user does not take from another, many together do not take more than the total")
    func others() {
        var budget = SearchBudget(limits: limits)
        budget.charge(500_000_000, to: 1, at: 0)
        #expect(budget.allowance(of: 2, at: 0) == 500_000_000)
        budget.charge(500_000_000, to: 2, at: 0)
        #expect(budget.allowance(of: 3, at: 0) == 0)
        #expect(budget.allowance(of: 3, at: Self.second) == 200_000_000)
    }

    @Test("However many users spend whenever they may, together they stay within the total, and each within his share")
    func bounds() {
        var generator = SeededGenerator(seed: 77)
        var budget = SearchBudget(limits: limits)
        var now: Int64 = 0
        var spent: [UInt32: Int64] = [:]
        for _ in SeededGenerator.rounds(4_000) {
            now += Int64.random(in: 0..<10_000_000, using: &generator)
            // Some are always the same, so that others push them out.
            let user = UInt32.random(in: 0..<(Bool.random(using: &generator) ? 4 : 2_000), using: &generator)
            let cost = min(budget.allowance(of: user, at: now), Int64.random(in: 0..<25_000_000, using: &generator))
            budget.charge(cost, to: user, at: now)
            spent[user, default: 0] += cost
        }
        let total = Double(limits.searchSavings + now) * limits.searchShare
        #expect(Double(spent.values.reduce(0, +)) <= total + 4_000)
        // A user who is forgotten because many others came starts anew: what that gives him is bounded by the total.
        #expect(budget.userCount <= SearchBudget.maximumUsers)
    }

    @Test("Time that stands still or runs back gives nothing, and extremes do not trap")
    func time() {
        var budget = SearchBudget(limits: limits)
        budget.charge(500_000_000, to: 1, at: .max)
        #expect(budget.allowance(of: 1, at: 0) == 0)
        #expect(budget.allowance(of: 1, at: .min) == 0)
        budget.charge(.max, to: 1, at: 0)
        budget.charge(.max, to: 1, at: 0)
        #expect(budget.allowance(of: 1, at: Self.second) == 0)
        #expect(budget.allowance(of: 1, at: .max) == 500_000_000)
    }
}
