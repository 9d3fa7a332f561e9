import DTMSecrets
import DTMTestSupport
import Testing

@testable import DTMState

/// Bytes that were changed at random, in every parser: they are read as what they are, or refused by an error, and nothing traps.
@Suite struct StateFuzzTests {
    let keys: StateKeys
    let instance: InstanceID

    init() throws {
        keys = try StateKeys.random()
        instance = InstanceID.random()
    }

    /// Mutates, and repairs the packet's length half of the time, so that what is within is reached.
    private func fuzz(
        _ whole: [UInt8], seed: UInt64, rounds: Int = 2_000, _ body: ([UInt8]) throws -> Void
    ) throws {
        var generator = SeededGenerator(seed: seed)
        var refused = 0
        for _ in SeededGenerator.rounds(rounds) {
            var changed = generator.mutated(whole)
            if Bool.random(using: &generator), changed.count > 12, whole.starts(with: [0xcb, 0xff]) {
                changed.replaceSubrange(0..<12, with: LiteralPacket.encode(Array(changed[12...]))[..<12])
            }
            guard changed != whole else { continue }
            do {
                try body(changed)
            } catch let error as StateError {
                refused += 1
                #expect([.malformed, .truncated, .modified, .foreign].contains(error.code), "\(error)")
            }
        }
        #expect(refused > rounds / 4)
    }

    @Test func `Literal packets`() throws {
        for length in [0, 1, 500] {
            let content = bytes(length)
            let whole = LiteralPacket.encode(content)
            #expect(try LiteralPacket.decode(whole, file: "x") == content)
            try fuzz(whole, seed: UInt64(length)) { changed in
                let read = try LiteralPacket.decode(changed, file: "x")
                #expect(LiteralPacket.encode(read) == changed)
            }
        }
    }

    @Test func `Commits`() throws {
        let commit = Commit(
            instance: instance, generation: 3, previous: bytes(32), digest: bytes(32), length: 5, writtenAt: moment(7),
            signer: bytes(60))
        let whole = commit.encoded(keys)
        #expect(try Commit(whole, keys, instance: instance, file: "x") == commit)
        try fuzz(whole, seed: 1) { changed in
            _ = try Commit(changed, keys, instance: instance, file: "x")
            Issue.record("a changed commit passed")
        }
    }

    @Test func `Slots`() throws {
        var file = SlotFile(
            instance: instance, id: SlotID.random(), kind: "passphrase", createdAt: moment(1), label: "l",
            parameters: PassphraseSlot.parameters(cheapHash()))
        file.wrap(keys, under: try SecretBytes(randomCount: 32))
        let whole = file.encoded
        #expect(try SlotFile(whole, file: "x") == file)
        try fuzz(whole, seed: 2) { changed in
            let read = try SlotFile(changed, file: "x")
            #expect(read.encoded == changed && !read.isGenuine(keys))
            let slot = try KeySlotKind.slot(read, name: "x")
            #expect(slot.cost <= 20 << 30)
        }
    }

    @Test func `Recipients' keys`() throws {
        let home = try StateHome()
        let pair = try home.openPGP.generateKeyPair(userID: "recipient")
        let whole = RecipientFile(instance: instance, pair, keys).encoded
        let folder = try StateFolder(home.path)
        try home.write("recipient.pgp", whole)
        #expect(try RecipientFile(in: folder).pair(keys).publicKey == pair.publicKey)
        try fuzz(whole, seed: 3, rounds: 400) { changed in
            try home.write("recipient.pgp", changed)
            _ = try RecipientFile(in: folder).pair(keys)
            Issue.record("a changed recipient passed")
        }
    }

    @Test func `Witnesses`() throws {
        let home = try StateHome()
        let witness = Witness(folder: try StateFolder(home.path), keys: keys, instance: instance)
        let commit = Commit(
            instance: instance, generation: 3, previous: bytes(32), digest: bytes(32), length: 5, writtenAt: moment(7),
            signer: [])
        let found = GenerationReader.Found(commit: commit, digest: bytes(32, seed: 9))
        let whole = witness.encoded(3, head: bytes(32, seed: 9))
        try home.write("witness.pgp", whole)
        #expect(try witness.check(found))
        try fuzz(whole, seed: 4, rounds: 1_000) { changed in
            try home.write("witness.pgp", changed)
            _ = try witness.check(found)
            Issue.record("a changed witness passed")
        }
    }

    @Test func `What opens a slot of each kind`() throws {
        for (kind, parameters) in [
            ("passphrase", PassphraseSlot.parameters(cheapHash())),
            ("openpgp", bytes(52) + [0, 0, 0, 5] + bytes(5)),
        ] {
            var generator = SeededGenerator(seed: 6)
            for _ in SeededGenerator.rounds(1_000) {
                let file = SlotFile(
                    instance: instance, id: SlotID.random(), kind: kind, createdAt: moment(1), label: "",
                    parameters: generator.mutated(parameters))
                do {
                    let slot = try KeySlotKind.slot(file, name: "x")
                    #expect(slot.cost <= 20 << 30 && !slot.summary.isEmpty)
                } catch {
                    #expect([.malformed, .truncated].contains(error.code))
                }
            }
        }
    }

    @Test func `Names of generations and backups`() {
        var generator = SeededGenerator(seed: 8)
        for _ in SeededGenerator.rounds(5_000) {
            let number =
                UInt64.random(in: 0 ... .max, using: &generator) >> UInt64.random(in: 0..<64, using: &generator)
            #expect(GenerationName.ofHead(GenerationName.head(number)) == number)
            #expect(GenerationName.ofContent(GenerationName.content(number)) == number)
            #expect(GenerationName.ofContent(GenerationName.head(number)) == nil)
            #expect(GenerationName.ofHead(GenerationName.content(number)) == nil)
            for name in [GenerationName.head(number), GenerationName.content(number), "dtm-\(number)-77.pgp"] {
                let changed = String(decoding: generator.mutated(Array(name.utf8)), as: UTF8.self)
                if let read = GenerationName.ofHead(changed) { #expect(GenerationName.head(read) == changed) }
                if let read = GenerationName.ofContent(changed) { #expect(GenerationName.content(read) == changed) }
                if let read = BackupFolder.entry(changed) {
                    #expect(read.name == changed && BackupFolder.name(read.generation, read.writtenAt) == changed)
                }
                if let read = SlotID(changed) { #expect(read.description == changed) }
            }
        }
    }
}
