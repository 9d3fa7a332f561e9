import DTMCore
import DTMSecrets
import Glibc
import Testing

@testable import DTMState

@Suite struct SealedStoreTests {
    @Test func `A state is made, opened, saved five times and opened again`() throws {
        let home = try StateHome()
        #expect(!home.place.isSealed)
        let made = try home.create(sample(0))
        #expect(home.place.isSealed)
        #expect(made.generation == 1 && made.savedAt == moment(1_000))
        let (store, first) = try home.open()
        #expect(try plain(first) == plain(sample(0)))
        #expect(store.instance == made.instance)
        for number in 1...5 {
            #expect(try store.save(sample(number), at: moment(1_000 + Int64(number))) == UInt64(number) + 1)
            try store.verifyOnDisk()
        }
        let (again, last) = try home.open()
        #expect(again.generation == 6 && again.savedAt == moment(1_005))
        #expect(try plain(last) == plain(sample(5)))
    }

    @Test func `Only three generations are kept, and nothing temporary`() throws {
        let home = try StateHome()
        let store = try home.create(sample(0))
        for number in 1...5 {
            try store.save(sample(number), at: moment(Int64(number)))
            let kept = try home.files(in: "state").filter { $0.contains("generation") }
            #expect(kept.count == 2 * min(number + 1, 3))
        }
        let expected = (4...6).flatMap {
            ["state/generation-000000000\($0).head.pgp", "state/generation-000000000\($0).pgp"]
        }
        #expect(try home.files(in: "state").filter { $0.contains("generation") } == expected)
        #expect(try home.files().allSatisfy { $0.hasSuffix(".pgp") })
    }

    @Test func `The root key of an earlier start opens it, and another does not`() throws {
        let home = try StateHome()
        let store = try home.create(sample(1))
        #expect(try plain(home.open(root: store.rootKey).content) == plain(sample(1)))
        expectRefusal(.modified) { try home.open(root: secret(bytes(32))) }
        for length in [1, 31, 33, 64] { expectRefusal(.locked) { try home.open(root: secret(bytes(length))) } }
    }

    @Test func `Every file is for its owner alone`() throws {
        let home = try StateHome()
        try home.create(sample(1)).save(sample(2), at: moment(2))
        for name in try home.files() {
            var status = stat()
            #expect(lstat("\(home.path)/\(name)", &status) == 0 && status.st_mode & 0o777 == 0o600, "\(name)")
        }
        for name in ["state", "state/slots"] {
            var status = stat()
            #expect(lstat("\(home.path)/\(name)", &status) == 0 && status.st_mode & 0o777 == 0o700, "\(name)")
        }
    }

    @Test func `Nothing of what is kept stands in a file`() throws {
        let marks = (0..<3).map { Array("planted mark \($0) of thirty bytes".utf8) }
        var content = StateContent()
        content.set("name-of-a-section", .bytes(marks[0]))
        content.set("short", .secret(try secret(marks[1])))
        content.set("long", .secret(try secret(marks[2] + bytes(5_000))))
        let home = try StateHome()
        let store = try home.create(content)
        try store.save(content, at: moment(2))
        let planted =
            marks + [Array("name-of-a-section".utf8), copy(store.rootKey), Array(StateHome.passphrase.utf8)]
        func found() throws -> Int {
            try home.files().map { try home.bytes($0) }.reduce(0) { sum, file in
                sum + planted.count { mark in contains(file, mark) }
            }
        }
        #expect(try home.files().count >= 7)
        #expect(try found() == 0)
        // The control: it is found where it is.
        try home.write("state/plain.pgp", bytes(100) + marks[1] + bytes(100))
        #expect(try found() == 1)
    }

    private func contains(_ file: [UInt8], _ mark: [UInt8]) -> Bool {
        guard file.count >= mark.count else { return false }
        return (0...file.count - mark.count).contains { file[$0..<$0 + mark.count].elementsEqual(mark) }
    }

    @Test func `Every file is OpenPGP packets from its first byte to its last`() throws {
        let home = try StateHome()
        let operatorKey = try home.openPGP.generateKeyPair(userID: "operator").publicKey
        try home.create(sample(1), slots: [cheapSlot(), .operatorKey(operatorKey, label: "card")])
            .save(sample(2), at: moment(2))
        for name in try home.files() {
            let file = try home.bytes(name)
            #expect(try tags(file).allSatisfy { [1, 11, 18].contains($0) }, "\(name)")
            #expect(throws: OpenPGPError.self) { try tags(file + [0]) }
        }
    }

    private func tags(_ file: [UInt8]) throws -> [UInt8] {
        try file.withUnsafeBytes { bytes in
            var reader = OpenPGPPacketReader(bytes)
            var tags: [UInt8] = []
            while let packet = try reader.next() { tags.append(packet.tag) }
            return tags
        }
    }

    @Test func `GnuPG lists every file as packets`() throws {
        let home = try StateHome()
        let operatorKey = try home.openPGP.generateKeyPair(userID: "operator").publicKey
        try home.create(sample(1), slots: [cheapSlot(), .operatorKey(operatorKey, label: "card")])
            .save(sample(2), at: moment(2))
        let gpg = try GnuPG()
        var kinds: [String: Int] = [:]
        for name in try home.files() {
            let list = try gpg.run(["--list-only", "--list-packets", "\(home.path)/\(name)"])
            let text = String(decoding: list, as: UTF8.self)
            let kind = text.contains(":literal data packet:") ? "literal" : "encrypted"
            #expect(text.contains(kind == "literal" ? "raw data:" : ":encrypted data packet:"), "\(name): \(text)")
            kinds[kind, default: 0] += 1
        }
        // Two generations and the operator's message; commits, recipient, witness and slots.
        #expect(kinds == ["encrypted": 3, "literal": 6])
        #expect(throws: GnuPG.Failed.self) { try gpg.run(["--list-packets", "{m}"], files: ["m": Array("text".utf8)]) }
    }

    // MARK: Making

    @Test func `A state is never made over another, and needs a slot`() throws {
        let home = try StateHome()
        expectRefusal(.noSlot) { try home.create(slots: []) }
        try home.create(sample(1))
        let before = try home.tree()
        expectRefusal(.present) { try home.create(sample(2)) }
        #expect(try home.tree() == before)
        for name in ["slots", "recipient.pgp", "generation-0000000001.head.pgp"] { try home.remove("state/\(name)") }
        expectRefusal(.present) { try home.create(sample(2)) }
        #expect(home.place.isSealed)
    }

    @Test func `A making that fails leaves nothing, and does not stop the next one`() throws {
        let home = try StateHome()
        expectRefusal(.passphrase) { try home.create(slots: [cheapSlot(), cheapSlot("too short")]) }
        #expect(try home.tree().isEmpty && !home.place.isSealed)
        try home.create(sample(1))
        #expect(try plain(home.open().content) == plain(sample(1)))
    }

    @Test func `The witness of a state that was moved away does not stop a new one`() throws {
        let home = try StateHome()
        try home.create(sample(1))
        try home.move("state", to: "old")
        expectRefusal(.absent) { try home.open() }
        try home.create(sample(2))
        let (store, content) = try home.open()
        #expect(try plain(content) == plain(sample(2)))
        try store.verifyOnDisk()
    }

    @Test func `What is not there is absent, and what can't be looked at does not count as absent`() throws {
        let home = try StateHome()
        expectRefusal(.absent) { try home.open() }
        try home.create(sample(1))
        chmod("\(home.path)/state", 0o777)
        #expect(home.place.isSealed)
        expectRefusal(.io) { try home.open() }
        chmod("\(home.path)/state", 0o700)
        try home.move("state", to: "elsewhere")
        symlink("elsewhere", "\(home.path)/state")
        #expect(home.place.isSealed)
        expectRefusal(.io) { try home.open() }
        expectRefusal(.present) { try home.create() }
    }

    // MARK: While it is open

    @Test func `What others do to it while it is open is noticed`() throws {
        let home = try StateHome()
        let store = try home.create(sample(1))
        try store.save(sample(2), at: moment(2))
        let head = "state/generation-0000000002.head.pgp"
        let file = "state/generation-0000000002.pgp"
        let changes: [(StateError.Code, (StateHome) throws -> Void)] = [
            (.modified, { try $0.write(file, flipped($0.bytes(file), 8 * 400)) }),
            (.missing, { try $0.remove(file) }),
            (.missing, { try $0.remove(head) }),
            (.modified, { try $0.write(head, flipped($0.bytes(head), 8 * 100)) }),
            (.malformed, { try $0.write("state/generation-0000000003.head.pgp", []) }),
            (.missing, { try $0.remove("witness.pgp") }),
            (.modified, { try $0.write("witness.pgp", flipped($0.bytes("witness.pgp"), 8 * 60)) }),
            (.noSlot, { try $0.remove($0.slotFile()) }),
            (.modified, { try $0.write($0.slotFile(), flipped($0.bytes($0.slotFile()), 8 * 150)) }),
        ]
        for (index, (code, change)) in changes.enumerated() {
            let kept = try StateHome(copying: home)
            try store.verifyOnDisk()
            try change(home)
            if code == .malformed {
                expectRefusal(.generation, of: "\(index)") { try store.verifyOnDisk() }
            } else {
                expectRefusal(code, of: "\(index)") { try store.verifyOnDisk() }
            }
            for name in try home.files() where !kept.has(name) { try home.remove(name) }
            for name in try kept.files() { try home.write(name, kept.bytes(name)) }
            _ = try home.open(root: store.rootKey)
        }
    }

    @Test func `A folder that was replaced while it is open is not written to any more`() throws {
        let home = try StateHome()
        let store = try home.create(sample(1))
        let kept = try StateHome(copying: home)
        try home.move("state", to: "aside")
        expectRefusal(.modified) { try store.save(sample(2), at: moment(2)) }
        try home.replace("state", from: kept)
        expectRefusal(.modified) { try store.save(sample(2), at: moment(2)) }
        expectRefusal(.modified) { try store.addSlot(cheapSlot(), at: moment(2)) }
        expectRefusal(.modified) { try store.verifyOnDisk() }
        #expect(try plain(home.open().content) == plain(sample(1)))
        try home.remove("state")
        try home.move("aside", to: "state")
        try store.save(sample(2), at: moment(2))
        try store.verifyOnDisk()
    }

    @Test func `Saves, looks and changes of slots from several threads come one after another`() async throws {
        let home = try StateHome()
        let store = try home.create(sample(0))
        try await withThrowingTaskGroup { group in
            for task in 0..<4 {
                group.addTask {
                    for number in 0..<5 {
                        try store.save(sample(task * 5 + number), at: moment(Int64(number)))
                        try store.verifyOnDisk()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(store.generation == 21)
        #expect(try home.open().store.generation == 21)
    }

    @Test func `No descriptor stays open`() throws {
        func count() throws -> Int { try StateHome.descriptors() }
        let home = try StateHome()
        try home.create(sample(0))
        let before = try count()
        for number in 0..<3 {
            let store = try home.open().store
            try store.save(sample(number), at: moment(1))
            try store.verifyOnDisk()
            _ = try SealedStore.slots(at: home.place, openPGP: home.openPGP)
            expectRefusal(.locked) { try home.open("some other passphrase") }
            expectRefusal(.present) { try home.create() }
        }
        #expect(try count() == before)
        let extra = open("/dev/null", O_RDONLY)
        defer { close(extra) }
        #expect(try count() == before + 1)
    }
}

/// The bytes with one bit turned.
func flipped(_ bytes: [UInt8], _ bit: Int) -> [UInt8] {
    var bytes = bytes
    bytes[bit / 8] ^= 1 << (bit % 8)
    return bytes
}
