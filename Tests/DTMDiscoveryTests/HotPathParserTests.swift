import DTMTestSupport
@testable import DTMDiscovery
import Testing

@Suite("Reading what is read most often")
struct HotPathParserTests {
    @Test(
        "The link of a descriptor is a socket or is not",
        arguments: [
            ("socket:[4711]", 4_711), ("socket:[]", nil), ("socket:[4711", nil), ("socket:[47x1]", nil), ("", nil),
            ("socket:[18446744073709551615]", .max), ("socket:[18446744073709551616]", nil), ("pipe:[4711]", nil),
            ("/tmp/socket:[4711]", nil), ("socket:[-1]", nil),
        ] as [(String, UInt64?)])
    func links(text: String, inode: UInt64?) {
        #expect(SocketLink.inode(Array(text.utf8).span.bytes) == inode)
    }

    /// `struct linux_dirent64`.
    private func entry(_ name: String, inode: UInt64, length: UInt16? = nil) -> [UInt8] {
        var builder = AnswerBuilder()
        builder.put(inode)
        builder.put(UInt64(1))
        builder.put(length ?? UInt16((19 + name.utf8.count + 1 + 7) & ~7))
        builder.bytes += [10] + Array(name.utf8) + [0]
        while builder.bytes.count % 8 != 0 { builder.bytes.append(0) }
        return builder.bytes
    }

    private func numbers(_ bytes: [UInt8]) -> [Int32] {
        var numbers: [Int32] = []
        DirectoryEntries.forEachNumber(bytes.span.bytes) { number, _ in numbers.append(number) }
        return numbers
    }

    @Test("Entries of a folder: numbers alone, and no number that does not fit")
    func entries() {
        let names = [".", "1", "self", "4194304", "2147483648", "00", "12a", ""]
        #expect(numbers(names.flatMap { entry($0, inode: 7) }) == [1, 4_194_304, 0])
    }

    @Test("Lengths of entries that lie end the reading", arguments: [0, 1, 19, 4_096] as [UInt16])
    func lyingEntries(length: UInt16) {
        #expect(numbers(entry("1", inode: 7) + entry("2", inode: 7, length: length)) == [1])
    }

    @Test("The resident pages are field 24, and a stat that ends before has none")
    func pages() {
        #expect(StatFields(Array(ParserTests.stat.utf8).span)?.residentPages == 390)
        let short = ParserTests.stat.split(separator: " ").prefix(22).joined(separator: " ")
        #expect(StatFields(Array(short.utf8).span)?.residentPages == 0)
    }

    @Test("Whatever the bytes are, nothing outside them is read")
    func fuzz() {
        var generator = SeededGenerator(seed: 5)
        let folder = ["1", "22", "self", "333"].flatMap { entry($0, inode: 7) }
        for _ in SeededGenerator.rounds(20_000) {
            _ = numbers(generator.mutated(folder))
            _ = SocketLink.inode(generator.mutated(Array("socket:[4711]".utf8)).span.bytes)
            let fields = StatFields(generator.mutated(Array(ParserTests.stat.utf8)).span)
            #expect(fields.map { $0.name.lowerBound <= $0.name.upperBound } ?? true)
        }
    }

    @Test("A set of descriptors holds what was put in, as far as it goes")
    func descriptorSets() {
        var generator = SeededGenerator(seed: 9)
        var set = DescriptorSet()
        var model: Set<Int32> = []
        for _ in SeededGenerator.rounds(5_000) {
            let number = Int32.random(in: 0..<1_100, using: &generator)
            if Bool.random(using: &generator) {
                set.insert(number)
                if number < DescriptorSet.capacity { model.insert(number) }
            } else {
                set.remove(number)
                model.remove(number)
            }
            #expect(set.contains(number) == model.contains(number))
        }
    }

    @Test("Holders: one for each process, the earliest first, gone when they let go")
    func holders() {
        var generator = SeededGenerator(seed: 21)
        var index = HolderIndex(limit: 1_000)
        var model: [UInt64: Set<Int32>] = [:]
        for _ in SeededGenerator.rounds(5_000) {
            let inode = UInt64.random(in: 1...20, using: &generator)
            let pid = Int32.random(in: 1...6, using: &generator)
            let process = ProcessIdentity(pid: pid, startTicks: UInt64(pid))
            if Bool.random(using: &generator) {
                index.add(inode, Holder(process: process, descriptor: 3))
                model[inode, default: []].insert(pid)
            } else {
                index.remove(inode, process)
                model[inode]?.remove(pid)
            }
            #expect(index.holders(inode).map(\.process.pid) == (model[inode] ?? []).sorted())
            #expect(index.earliest(inode)?.process.pid == model[inode]?.min())
        }
    }
}
