import DTMCore
@testable import DTMDiscovery
import Glibc
import Testing

@Suite("What processes use")
struct ResourceReaderTests {
    @Test("Resources are summed, shared pages counted once")
    func resources() throws {
        let tree = try ProcessTree()
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

    @Test("Without the proportional size, all the rest is there")
    func cheap() throws {
        let tree = try ProcessTree()
        try tree.add(pid: 20, name: "a", cpuTicks: 150)
        var full = ResourceReader(root: tree.root).read([20])
        full[0].proportionalBytes = nil
        #expect(ResourceReader(root: tree.root).read([20], withProportional: false) == full)
    }

    @Test("This very process has a size")
    func real() { #expect(ResourceReader().read([getpid()]).first?.residentBytes ?? 0 > 0) }
}
