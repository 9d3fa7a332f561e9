import DTMCore
import DTMTestSupport
@testable import DTMDiscovery
import Glibc
import Testing

extension AnswerBuilder {
    /// A netlink message with one `struct cn_msg` and one `struct proc_event`.
    mutating func processEvent(
        _ kind: UInt32, _ words: [UInt32], processor: UInt32 = 0, sequence: UInt32 = 0, acknowledgement: UInt32 = 0,
        connector: UInt32 = 1, length: UInt16? = nil
    ) {
        message(type: 3, flags: 0, sequence: sequence) { body in
            body.put(connector)
            body.put(UInt32(1))
            body.put(sequence)
            body.put(acknowledgement)
            body.put(length ?? UInt16(16 + 4 * words.count))
            body.put(UInt16(0))
            body.put(kind)
            body.put(processor)
            body.put(UInt64(12_345))
            for word in words { body.put(word) }
        }
    }
}

@Suite("Reading the kernel's events of processes")
struct ProcessEventParserTests {
    private func parse(_ bytes: [UInt8]) -> (notices: [ProcessNotice], isWhole: Bool) {
        var notices: [ProcessNotice] = []
        let isWhole = ProcessEventParser.forEach(bytes.span.bytes) { notices.append($0) }
        return (notices, isWhole)
    }

    private func event(_ kind: UInt32, _ words: [UInt32]) -> ProcessNotice.Event? {
        var builder = AnswerBuilder()
        builder.processEvent(kind, words, acknowledgement: 78)
        return parse(builder.bytes).notices.first?.event
    }

    @Test("Processes and threads that begin, change and end")
    func events() {
        #expect(event(ProcessEventParser.fork, [10, 10, 20, 20]) == .began(20))
        #expect(event(ProcessEventParser.fork, [10, 10, 21, 10]) == .thread)
        #expect(event(ProcessEventParser.exec, [20, 20]) == .changed(20))
        #expect(event(ProcessEventParser.user, [21, 20, 0, 0]) == .changed(20))
        #expect(event(ProcessEventParser.group, [20, 20, 0, 0]) == .changed(20))
        #expect(event(ProcessEventParser.name, [20, 20, 0, 0, 0, 0]) == .changed(20))
        #expect(event(ProcessEventParser.name, [21, 20, 0, 0, 0, 0]) == .other)
        #expect(event(ProcessEventParser.exit, [20, 20, 0, 17, 1, 1]) == .ended(20))
        #expect(event(ProcessEventParser.exit, [21, 20, 0, 17, 1, 1]) == .thread)
        #expect(event(ProcessEventParser.none, [1]) == .answer(token: 77, error: 1))
        #expect(event(0x100, [20, 20, 1, 1]) == .other)
    }

    @Test("Several messages in one datagram, each with its processor and its count")
    func several() {
        var builder = AnswerBuilder()
        builder.processEvent(ProcessEventParser.exec, [20, 20], processor: 1, sequence: 7)
        builder.processEvent(ProcessEventParser.exec, [21, 21], processor: 2, sequence: .max)
        let (notices, isWhole) = parse(builder.bytes)
        #expect(isWhole)
        #expect(notices.map(\.processor) == [1, 2])
        #expect(notices.map(\.sequence) == [7, .max])
    }

    @Test("What is cut short, of another connector or of no possible process is refused")
    func refused() {
        var whole = AnswerBuilder()
        whole.processEvent(ProcessEventParser.fork, [10, 10, 20, 20])
        for count in 1..<whole.bytes.count {
            let (notices, isWhole) = parse(Array(whole.bytes.prefix(count)))
            #expect(notices.isEmpty && !isWhole)
        }
        var other = AnswerBuilder()
        other.processEvent(ProcessEventParser.exec, [20, 20], connector: 2)
        #expect(parse(other.bytes).notices.isEmpty)
        var long = AnswerBuilder()
        long.processEvent(ProcessEventParser.exec, [20, 20], length: 4_096)
        #expect(parse(long.bytes).notices.isEmpty)
        for pid in [0, 0x8000_0000, .max] as [UInt32] { #expect(event(ProcessEventParser.exec, [pid, pid]) == nil) }
    }

    @Test("Whatever the bytes are, nothing outside them is read, and no hint names an impossible process")
    func fuzz() {
        var generator = SeededGenerator(seed: 33)
        let kinds: [UInt32] = [0, 1, 2, 4, 0x40, 0x200, 0x8000_0000]
        for _ in SeededGenerator.rounds(20_000) {
            var builder = AnswerBuilder()
            for _ in 0..<2 {
                builder.processEvent(
                    kinds[Int.random(in: 0..<kinds.count, using: &generator)],
                    (0..<Int.random(in: 0...6, using: &generator)).map { _ in .random(in: 0...30, using: &generator) })
            }
            var hints = ProcessHints()
            _ = ProcessEventParser.forEach(generator.mutated(builder.bytes).span.bytes) { hints.note($0) }
            #expect(hints.began.union(hints.changed).union(hints.ended).allSatisfy { $0 > 0 })
        }
    }
}

@Suite("What the kernel told of processes, put together")
struct ProcessHintsTests {
    private func hints(_ events: [ProcessNotice.Event]) -> ProcessHints {
        var hints = ProcessHints()
        for (index, event) in events.enumerated() {
            hints.note(ProcessNotice(event: event, processor: 0, sequence: UInt32(index)))
        }
        return hints
    }

    @Test("A process that began and ended is counted, and is nowhere else")
    func brief() {
        let hints = hints([.began(20), .changed(20), .ended(20), .began(21)])
        #expect(hints.brief == 1)
        #expect(hints.began == [21] && hints.changed.isEmpty && hints.ended.isEmpty)
    }

    @Test("A PID that is used again began, and did not end")
    func reused() {
        let hints = hints([.changed(20), .ended(20), .began(20)])
        #expect(hints.began == [20] && hints.changed.isEmpty && hints.ended.isEmpty)
        #expect(hints.brief == 0)
    }

    @Test("A count that skips a number is a loss, on whichever processor; one that wraps around is none")
    func gaps() {
        func isLossy(_ counts: [(UInt32, UInt32)]) -> Bool {
            var hints = ProcessHints()
            for (processor, count) in counts {
                hints.note(ProcessNotice(event: .thread, processor: processor, sequence: count))
            }
            return hints.isLossy
        }
        #expect(!isLossy([(0, 5), (1, 90), (0, 6), (1, 91)]))
        #expect(!isLossy([(0, .max), (0, 0)]))
        #expect(isLossy([(0, 5), (1, 90), (0, 7)]))
    }

    @Test("A gap between two times is a loss of the later one; after a loss counts begin anew")
    func gapBetween() {
        var hints = ProcessHints()
        hints.note(ProcessNotice(event: .thread, processor: 0, sequence: 5))
        let first = hints.take()
        hints.note(ProcessNotice(event: .thread, processor: 0, sequence: 7))
        hints.lose()
        let second = hints.take()
        hints.note(ProcessNotice(event: .thread, processor: 0, sequence: 100))
        let third = hints.take()
        #expect([first.isLossy, second.isLossy, third.isLossy] == [false, true, false])
        #expect(first.isAlive && !hints.isAlive)
    }

    @Test("More than is kept is a loss")
    func bounds() {
        let hints = hints((1...Int32(ProcessHints.maximum + 1)).map { .began($0) })
        #expect(hints.isLossy)
        #expect(hints.began.count == ProcessHints.maximum)
    }
}

@Suite("The live inventory with what the kernel tells")
struct HintedInventoryTests {
    private let tree: ProcessTree

    init() throws {
        tree = try ProcessTree()
        try tree.add(pid: 20, name: "web", executable: "/usr/bin/web")
        try setMark(1)
    }

    private func setMark(_ last: Int) throws { try tree.write("loadavg", "0.00 0.00 0.00 1/100 \(last)\n") }

    private func inventory() throws -> LiveInventory {
        var limits = InventoryLimits()
        limits.rotationPerTick = 0
        limits.talkersPerTick = 0
        limits.othersPerTick = 0
        var inventory = try LiveInventory(
            root: tree.root, anchor: ClockAnchor(offsetNanoseconds: 0), userNames: Names(), limits: limits)
        for _ in 0..<4 { _ = try inventory.tick() }
        return inventory
    }

    /// From a processor whose events are not counted, so that none is missing.
    private func tell(_ inventory: inout LiveInventory, _ events: ProcessNotice.Event...) {
        for event in events { inventory.hints.note(ProcessNotice(event: event, processor: .max, sequence: 0)) }
    }

    private func pids(_ inventory: inout LiveInventory) throws -> [Int32] {
        _ = try inventory.tick()
        return inventory.picture().processes.map(\.pid)
    }

    @Test(
        "A program that was executed long after its process began is noticed in the next tick, and a changed user too")
    func changed() throws {
        var inventory = try inventory()
        unlink("\(tree.root)/20/exe")
        symlink("/usr/bin/evil", "\(tree.root)/20/exe")
        try tree.write("20/status", "Uid:\t0\t7\t0\t0\nGid:\t0\t7\t0\t0\n")
        _ = try inventory.tick()
        #expect(inventory.picture().processes.first?.executable == "/usr/bin/web")
        tell(&inventory, .changed(20), .changed(4_711))
        _ = try inventory.tick()
        let process = inventory.picture().processes.first
        #expect(process?.executable == "/usr/bin/evil")
        #expect(process?.uid == 7)
    }

    @Test("Threads that come and go need no list; that a process began does, and so does a loss")
    func skipsLists() throws {
        var inventory = try inventory()
        try tree.add(pid: 21, name: "new")
        try setMark(2)
        tell(&inventory, .thread)
        #expect(try pids(&inventory) == [20])
        // The event of the process comes when the mark has been read.
        tell(&inventory, .began(21))
        #expect(try pids(&inventory) == [20, 21])
        try tree.add(pid: 22, name: "newer")
        try setMark(3)
        inventory.hints.lose()
        tell(&inventory, .thread)
        #expect(try pids(&inventory) == [20, 21, 22])
    }

    @Test("Whatever was told before, the first look makes a list")
    func firstLook() throws {
        var inventory = try LiveInventory(
            root: tree.root, anchor: ClockAnchor(offsetNanoseconds: 0), userNames: Names())
        tell(&inventory, .thread)
        #expect(try pids(&inventory) == [20])
    }

    @Test(
        "When the kernel stops telling, a changed mark is enough for a list, and threads are believed for 30 ticks alone"
    )
    func stopsTelling() throws {
        var inventory = try inventory()
        try tree.add(pid: 21, name: "new")
        try setMark(2)
        #expect(try pids(&inventory) == [20, 21])
        try tree.add(pid: 22, name: "newer")
        try setMark(3)
        tell(&inventory, .thread)
        var ticks = 0
        while try pids(&inventory) == [20, 21], ticks < 100 { ticks += 1 }
        #expect((25...30).contains(ticks))
    }

    @Test("An end is told before the process leaves the list: until then lists are made")
    func ends() throws {
        var inventory = try inventory()
        tell(&inventory, .ended(20))
        try setMark(2)
        #expect(try pids(&inventory) == [20])
        try tree.remove(pid: 20)
        try setMark(3)
        tell(&inventory, .thread)
        #expect(try pids(&inventory) == [])
        #expect(inventory.ended.isEmpty)
    }

    @Test("Processes between two looks are counted")
    func brief() throws {
        var inventory = try inventory()
        tell(&inventory, .began(30), .ended(30), .began(31), .ended(31))
        _ = try inventory.tick()
        let count = inventory.briefProcesses
        #expect(count == 2)
    }
}
