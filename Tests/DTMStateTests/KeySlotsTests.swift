import DTMSecrets
import DTMTestSupport
import FoundationEssentials
import Glibc
import Testing

@testable import DTMState

@Suite struct KeySlotsTests {
    let home: StateHome
    let store: SealedStore

    init() throws {
        home = try StateHome()
        store = try home.create(sample(1))
    }

    private func slots() throws -> (slots: [SlotSummary], problems: [StateError]) {
        let all = try SealedStore.slots(at: home.place, openPGP: home.openPGP)
        return (all.slots, all.problems)
    }

    // MARK: Passphrases

    @Test(arguments: ["wrong", "correct horse battery stapl", "correct horse battery staple ", "x"])
    func `Another passphrase opens nothing`(text: String) throws {
        expectRefusal(.locked) { try home.open(text) }
        #expect(throws: Never.self) { try home.open() }
    }

    @Test func `A passphrase for a new slot has a least length, and any has a greatest`() throws {
        for text in ["x", String(repeating: "p", count: 11)] {
            expectRefusal(.passphrase) { try store.addSlot(cheapSlot(text), at: moment(2)) }
        }
        expectRefusal(.passphrase) { try unlock(String(repeating: "p", count: 1_025)) }
        for text in [String(repeating: "p", count: 12), String(repeating: "q", count: 1_024), "zwölf Zeichen 🔑"] {
            try store.addSlot(cheapSlot(text), at: moment(2))
            #expect(try plain(home.open(text).content) == plain(sample(1)))
        }
    }

    private func reading(_ bytes: [UInt8]) throws -> UnlockSecret {
        let name = "\(home.path)/line"
        try Data(bytes).write(to: URL(filePath: name))
        defer { unlink(name) }
        let file = Glibc.open(name, O_RDONLY)
        defer { close(file) }
        return try UnlockSecret(reading: file, from: "a file")
    }

    @Test(arguments: ["", "\n", "\r\n", "\nmore", "\r\nmore"])
    func `An empty line is no passphrase`(text: String) {
        expectRefusal(.passphrase) { try reading(Array(text.utf8)) }
    }

    @Test func `The line's end does not belong to it, and nothing after it is read`() throws {
        let text = StateHome.passphrase
        for end in ["", "\n", "\r\n", "\r", "\nmore", "\r\nmore\n", "\n\n"] {
            #expect(copy(try reading(Array((text + end).utf8)).secret) == Array(text.utf8), "\(Array(end.utf8))")
        }
        // A carriage return elsewhere does.
        #expect(copy(try reading(Array("a\rb\r\r\n".utf8)).secret) == Array("a\rb\r".utf8))
        #expect(throws: Never.self) {
            try SealedStore.open(at: home.place, unlockedBy: reading(Array("\(text)\r\n".utf8)), openPGP: home.openPGP)
        }
    }

    @Test func `The longest line is read, with every end, and a longer one is not`() throws {
        let longest = [UInt8](repeating: 0x61, count: UnlockSecret.maximumBytes)
        for end in ["", "\n", "\r\n"] {
            #expect(copy(try reading(longest + Array(end.utf8)).secret) == longest)
            expectRefusal(.passphrase) { try reading(longest + [0x61] + Array(end.utf8)) }
        }
        expectRefusal(.passphrase) { try reading([UInt8](repeating: 0x61, count: 100_000)) }
    }

    @Test func `A descriptor that can't be read is an error of its own`() {
        expectRefusal(.io) { try UnlockSecret(reading: -1, from: "nothing") }
        let folder = Glibc.open("/", O_RDONLY)
        defer { close(folder) }
        expectRefusal(.io) { try UnlockSecret(reading: folder, from: "a folder") }
    }

    // MARK: Adding and removing

    @Test func `Slots are shown with what opens them, and each opens the same state`() throws {
        let key = try home.openPGP.generateKeyPair(userID: "operator").publicKey
        let second = try store.addSlot(cheapSlot("the second passphrase", label: "a\u{1b}[2J\u{202e}b"), at: moment(20))
        let third = try store.addSlot(.operatorKey(key, label: String(repeating: "é", count: 100)), at: moment(30))
        let (all, problems) = try slots()
        #expect(problems.isEmpty && all.count == 3)
        let byID = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })
        #expect(byID[second]?.createdAt == moment(20) && byID[second]?.kind == "passphrase")
        #expect(byID[second]?.label == "a\u{fffd}[2J\u{fffd}b")
        #expect(byID[second]?.detail == "argon2id, 1 passes, 8 MiB")
        #expect(byID[third]?.label == String(repeating: "é", count: 64))
        #expect(byID[third]?.detail == "OpenPGP key \(key.fingerprint)")
        for text in [StateHome.passphrase, "the second passphrase"] {
            #expect(try plain(home.open(text).content) == plain(sample(1)))
        }
        try store.removeSlot(second)
        expectRefusal(.locked) { try home.open("the second passphrase") }
        try store.removeSlot(third)
        #expect(!home.has("state/slots/\(third).key.pgp"))
        #expect(try slots().slots.count == 1)
    }

    @Test func `The last slot can't be removed, nor one that is not there`() throws {
        let only = try #require(try slots().slots.first)
        let error = expectRefusal(.slotLimit) { try store.removeSlot(only.id) }
        #expect(error?.hint?.contains("slots add") == true)
        let stranger = try #require(SlotID("00000000"))
        expectRefusal(.noSlot) { try store.removeSlot(stranger) }
        #expect(throws: Never.self) { try home.open() }
    }

    @Test func `Of two slots that are removed at the same time one stays`() async throws {
        for _ in 0..<5 {
            let other = try store.addSlot(cheapSlot(), at: moment(2))
            let ids = try slots().slots.map { $0.id }
            #expect(ids.count == 2 && ids.contains(other))
            let store = store
            // Each gives the other time to have looked, too, before it removes its own.
            let meeting = Meeting(of: 2)
            await withTaskGroup { group in
                for id in ids {
                    group.addTask {
                        FileCall.$fault.withValue({ call in
                            if call == .rename { meeting.wait() }
                            return nil
                        }) { try? store.removeSlot(id) }
                    }
                }
            }
            #expect(try slots().slots.count == 1)
            #expect(throws: Never.self) { try home.open() }
        }
    }

    @Test func `There are 16 slots at most`() throws {
        for _ in 1..<16 { try store.addSlot(cheapSlot(), at: moment(2)) }
        expectRefusal(.slotLimit) { try store.addSlot(cheapSlot(), at: moment(2)) }
        #expect(try slots().slots.count == 16)
        let first = try slots().slots.first
        try store.removeSlot(#require(first).id)
        #expect(throws: Never.self) { try store.addSlot(cheapSlot(), at: moment(2)) }
    }

    // MARK: Slots that somebody else put there

    /// A slot's file for this instance, as somebody makes it who has no root key.
    private func planted(
        _ id: String, kind: String = "passphrase", _ parameters: [UInt8]? = nil
    ) throws -> SlotFile {
        var file = SlotFile(
            instance: store.instance, id: try #require(SlotID(id)), kind: kind, createdAt: moment(1), label: "planted",
            parameters: parameters ?? PassphraseSlot.parameters(cheapHash()))
        let other = try StateKeys.random()
        file.wrap(other, under: try SecretBytes(randomCount: 32))
        return file
    }

    @Test func `A slot of an unknown kind is told of, and the others work`() throws {
        try home.write("state/slots/00000001.pgp", planted("00000001", kind: "retina").encoded)
        #expect(try slots().problems.map { $0.code } == [.malformed])
        #expect(throws: Never.self) { try home.open() }
        #expect(try !home.verify().findings.isWhole)
        let good = try home.files(in: "state/slots").last
        try home.remove(#require(good))
        expectRefusal(.malformed) { try home.open() }
    }

    @Test func `A slot of another instance is told of, and the others work`() throws {
        let other = try StateHome()
        try other.create(sample(2))
        let name = try other.slotFile()
        try home.write(name, other.bytes(name))
        #expect(try slots().problems.map { $0.code } == [.foreign])
        #expect(throws: Never.self) { try home.open() }
        let error = expectRefusal(.locked) { try home.open("another passphrase") }
        #expect((error?.cause as? StateError)?.code == .foreign)
    }

    @Test func `A slot under another's name is refused`() throws {
        try home.write("state/slots/00000001.pgp", home.bytes(home.slotFile()))
        #expect(try slots().problems.map { $0.code } == [.malformed])
    }

    @Test func `What is no file, or too large, in the slots' folder does not hang or stop the others`() throws {
        mkfifo("\(home.path)/state/slots/00000001.pgp", 0o600)
        symlink("/dev/zero", "\(home.path)/state/slots/00000002.pgp")
        try home.write("state/slots/00000003.pgp", [])
        truncate("\(home.path)/state/slots/00000003.pgp", 1 << 40)
        mkdir("\(home.path)/state/slots/00000004.pgp", 0o700)
        #expect(try slots().problems.map { $0.code } == [.malformed, .malformed, .tooLarge, .malformed])
        #expect(throws: Never.self) { try home.open() }
    }

    @Test func `Parameters of Argon2id that are out of bounds are refused before it runs`() throws {
        let salt = bytes(16)
        let hostile: [(UInt64, UInt64, [UInt8])] = [
            (21, 8 << 20, salt), (0, 8 << 20, salt), (.max, 8 << 20, salt), (1, (1 << 30) + 1, salt), (1, .max, salt),
            (1, 1 << 63, salt), (1, 0, salt), (1, (8 << 20) - 1, salt), (1, 8 << 20, bytes(15)), (1, 8 << 20, []),
        ]
        for (index, (passes, memory, salt)) in hostile.enumerated() {
            var writer = ByteWriter()
            writer.append(passes)
            writer.append(memory)
            writer.appendField(salt)
            let id = "0000000\(index)"
            try home.write("state/slots/\(id).pgp", planted(id, writer.bytes).encoded)
        }
        let problems = try slots().problems
        #expect(problems.map { $0.code } == hostile.map { _ in .malformed })
        #expect(throws: Never.self) { try home.open() }
        expectRefusal(.locked) { try home.open("another passphrase") }
        // The control: within bounds it is tried.
        try home.write("state/slots/0000000f.pgp", planted("0000000f").encoded)
        #expect(try slots().slots.count == 2)
    }

    @Test func `Slots that somebody put there, however many and however long they take, keep nobody out`() throws {
        // Twenty passes over a gigabyte take half a minute each: a test that tries one is noticed.
        let slow = PassphraseHash(passes: 20, memoryBytes: 1 << 30, salt: bytes(16))
        for number in 0..<10 {
            let id = "0000000\(number)"
            try home.write("state/slots/\(id).pgp", planted(id, PassphraseSlot.parameters(slow)).encoded)
        }
        #expect(throws: Never.self) { try home.open() }
        for number in 10..<99 {
            let id = "000000\(number)"
            try home.write("state/slots/\(id).pgp", planted(id).encoded)
        }
        let (all, problems) = try slots()
        #expect(all.count == 100 && problems.map { $0.code } == [.slotLimit])
        #expect(problems.first?.message.contains("slots/000000") == true)
        // Whoever has the root key tells them apart, and can remove them.
        expectRefusal(.modified) { try store.verifyOnDisk() }
        #expect(throws: Never.self) { try home.open() }
        #expect(try store.hasPassphrase && store.isOpened(by: unlock()))
        try store.removeSlot(store.addSlot(cheapSlot(), at: moment(3)))
        while let planted = try slots().slots.first(where: { $0.label == "planted" }) {
            try store.removeSlot(planted.id)
        }
        try store.verifyOnDisk()
        #expect(throws: Never.self) { try home.open() }
    }

    // MARK: Files

    @Test func `A slot's file is read as it was written`() throws {
        let name = try home.slotFile()
        let file = try SlotFile(home.bytes(name), file: name)
        #expect(try home.bytes(name) == file.encoded)
        #expect(file.instance == store.instance && file.kind == "passphrase" && file.createdAt == moment(1_000))
        let other = try StateKeys.random()
        #expect(file.isGenuine(store.keys) && !file.isGenuine(other))
    }

    @Test func `Every bit of a slot's file counts`() throws {
        let name = try home.slotFile()
        let whole = try home.bytes(name)
        let slot = try PassphraseSlot(try SlotFile(whole, file: name), name: name)
        guard let derived = try slot.hash.key(for: unlock().secret.bytes) else {
            Issue.record("no key")
            return
        }
        let key = SharedSecret(derived)
        func opens(_ file: SlotFile) throws -> Bool {
            guard let root = try file.unwrap(under: key.bytes) else { return false }
            return root.isEqual(to: store.rootKey.bytes)
        }
        for bit in 0..<whole.count * 8 {
            guard let file = try? SlotFile(flipped(whole, bit), file: name) else { continue }
            #expect(!file.isGenuine(store.keys), "bit \(bit)")
            if bit < (whole.count - 32) * 8 { #expect(try !opens(file), "bit \(bit)") }
        }
        let file = try SlotFile(whole, file: name)
        #expect(try opens(file))
        #expect(file.isGenuine(store.keys))
    }

    @Test func `A slot's file that is cut short, or goes on, is refused`() throws {
        let name = try home.slotFile()
        let whole = try home.bytes(name)
        for length in 0..<whole.count {
            expectRefusal(.truncated) { try SlotFile(Array(whole[..<length]), file: name) }
        }
        expectRefusal(.malformed) { try SlotFile(whole + [0], file: name) }
    }

    @Test(arguments: ["", "1234567", "123456789", "ABCDEF01", "0000000g", "../../ab", "0000 000", "+1234567"])
    func `What is no name of a slot is none`(text: String) {
        #expect(SlotID(text) == nil)
        #expect(SlotID("0a1b2c3d")?.description == "0a1b2c3d")
    }
}
