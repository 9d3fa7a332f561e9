import DTMSecrets
import Glibc
import Testing

@testable import DTMState

@Suite struct StateRecoveryTests {
    let home: StateHome

    init() throws {
        home = try StateHome()
        let store = try home.create(sample(1))
        for number in 2...5 { try store.save(sample(number), at: moment(Int64(number))) }
    }

    private func damage(_ generation: Int) throws {
        let name = "state/generation-000000000\(generation).pgp"
        try home.write(name, flipped(home.bytes(name), 8 * 400))
    }

    @Test func `Verifying a whole state says so, gives its content and changes nothing`() throws {
        let before = try home.tree()
        let (findings, content) = try home.verify()
        #expect(findings.isWhole && findings.hasWitness && findings.problems.isEmpty)
        #expect(findings.generations.map { $0.generation } == [3, 4, 5])
        #expect(findings.generations.allSatisfy { $0.isCommitted && $0.problem == nil && $0.length ?? 0 > 5_000 })
        #expect(findings.generations.last?.writtenAt == moment(5))
        #expect(try plain(#require(content)) == plain(sample(5)))
        #expect(try home.tree() == before)
    }

    @Test func `Verifying tells what is wrong with each part, and changes nothing`() throws {
        try damage(5)
        try home.write("state/generation-0000000006.pgp", bytes(100))
        try home.write("state/slots/00000000.pgp", bytes(50))
        try home.remove("witness.pgp")
        let before = try home.tree()
        let (findings, content) = try home.verify()
        #expect(!findings.isWhole && !findings.hasWitness && content == nil)
        #expect(findings.generations.map { $0.problem?.code } == [nil, nil, .modified, nil])
        #expect(findings.generations.map { $0.isCommitted } == [true, true, true, false])
        #expect(findings.problems.map { $0.code } == [.malformed])
        #expect(try home.tree() == before)
        expectRefusal(.locked) {
            try SealedStore.verify(at: home.place, unlockedBy: unlock("another passphrase"), openPGP: home.openPGP)
        }
    }

    @Test func `A state without a generation is not whole`() throws {
        for name in try home.files(in: "state") where name.contains("generation") { try home.remove(name) }
        let findings = try home.verify().findings
        #expect(!findings.isWhole && findings.generations.isEmpty)
        #expect(findings.problems.map { $0.code } == [.missing])
    }

    @Test func `A slot that was changed is told by verifying, though it only fails to open`() throws {
        let store = try home.open().store
        let id = try store.addSlot(cheapSlot("a second passphrase", label: "second"), at: moment(9))
        let name = "state/slots/\(id).pgp"
        let whole = try home.bytes(name)
        // A letter of its label.
        let at = try #require(whole.indices.first { whole[$0...].starts(with: Array("second".utf8)) })
        try home.write(name, flipped(whole, 8 * at))
        #expect(try home.verify().findings.problems.map { $0.code } == [.modified])
        expectRefusal(.locked) { try home.open("a second passphrase") }
        expectRefusal(.modified) { try store.verifyOnDisk() }
        // It does not count as a way in: the good one can't be removed, and it can.
        let good = try #require(
            try SealedStore.slots(at: home.place, openPGP: home.openPGP).slots.first { $0.id != id })
        expectRefusal(.slotLimit) { try store.removeSlot(good.id) }
        try store.removeSlot(id)
        #expect(try home.verify().findings.isWhole)
    }

    @Test func `A damaged generation stops the opening, and is never stepped over by itself`() throws {
        try damage(5)
        for _ in 0..<2 { expectRefusal(.modified) { try home.open() } }
        #expect(home.place.isSealed)
    }

    @Test func `Recovering goes back, sets aside what is newer, and the chain goes on`() throws {
        try damage(5)
        let damaged = try home.bytes("state/generation-0000000005.pgp")
        let (store, content) = try home.recover(4, at: 5_000)
        #expect(try plain(content) == plain(sample(4)))
        #expect(store.generation == 5)
        let aside = try home.files(in: "state").filter { $0.contains("set-aside") }
        #expect(
            aside == [
                "state/set-aside-5000000000000-generation-0000000005.head.pgp",
                "state/set-aside-5000000000000-generation-0000000005.pgp",
            ])
        #expect(try home.bytes(aside[1]) == damaged)
        let (again, found) = try home.open()
        #expect(try plain(found) == plain(sample(4)))
        try again.verifyOnDisk()
        let findings = try home.verify().findings
        #expect(findings.isWhole && findings.hasWitness)
        #expect(findings.generations.map { $0.generation } == [3, 4, 5])
        try again.save(sample(6), at: moment(6_000))
        #expect(try home.open().store.generation == 6)
    }

    @Test func `Recovering twice at the same time of the clock loses nothing`() throws {
        try home.recover(4).store.save(sample(6), at: moment(6))
        _ = try home.recover(4)
        let aside = try home.files(in: "state").filter { $0.contains("set-aside") }
        // Generation 5 and its commit, and then 5 and 6 of the second history.
        #expect(aside.count == 6)
        #expect(try plain(home.open().content) == plain(sample(4)))
    }

    @Test func `What was set aside goes after 90 days, and before when there is much of it`() throws {
        let day: Int64 = 86_400
        let old = try home.recover(3, at: 1_000 * day).store
        func aside() throws -> [String] { try home.files(in: "state").filter { $0.contains("set-aside-") } }
        #expect(try aside().count == 4)
        try old.save(sample(7), at: moment(1_090 * day))
        #expect(try aside().count == 4)
        try old.save(sample(8), at: moment(1_090 * day + 1))
        #expect(try aside().isEmpty)
        for number in 0..<40 {
            let name = SetAsideName.make(
                "generation-0000000002.pgp", UInt64(1_091 * day + Int64(number)) * 1_000_000_000)
            try home.write("state/\(name)", bytes(10))
        }
        try home.write("state/set-aside-notes", bytes(10))
        try old.save(sample(9), at: moment(1_092 * day))
        let left = try aside()
        #expect(left.count == SetAsideName.maximumKept + 1)
        #expect(left.first?.contains("\((1_091 * day + 10) * 1_000_000_000)") == true)
        // What only looks like one is nobody's to remove.
        #expect(try home.verify().findings.problems.map(\.code) == [.malformed])
    }

    @Test func `Whether there was a witness is known after opening, and a save brings a new one`() throws {
        #expect(try home.open().store.hadWitness)
        try home.remove("witness.pgp")
        #expect(try !SealedStore.hasWitness(at: home.place))
        let store = try home.open().store
        #expect(!store.hadWitness)
        try store.save(sample(6), at: moment(6))
        #expect(try home.open().store.hadWitness)
    }

    @Test func `Recovering the newest makes a folder of an earlier day the one in force`() throws {
        let yesterday = try StateHome(copying: home)
        try home.open().store.save(sample(6), at: moment(6))
        try home.replace("state", from: yesterday)
        expectRefusal(.rolledBack) { try home.open() }
        #expect(try home.verify().findings.problems.map { $0.code } == [.rolledBack])
        #expect(try home.recover(5).store.generation == 6)
        #expect(try plain(home.open().content) == plain(sample(5)))
        #expect(try home.verify().findings.isWhole)
    }

    @Test func `What can't be recovered is refused, and changes nothing`() throws {
        try damage(4)
        let before = try home.tree()
        let error = expectRefusal(.missing) { try home.recover(2) }
        #expect(error?.hint?.contains("3, 4, 5") == true)
        expectRefusal(.missing) { try home.recover(0) }
        expectRefusal(.missing) { try home.recover(.max) }
        expectRefusal(.modified) { try home.recover(4) }
        expectRefusal(.locked) {
            try SealedStore.recover(
                generation: 3, at: home.place, unlockedBy: unlock("another passphrase"), openPGP: home.openPGP,
                now: moment(1))
        }
        #expect(try home.tree() == before)
    }

    // MARK: Torn saves

    @Test func `Beside a manager, what it may be writing stays`() throws {
        try home.write("state/.new-123", bytes(50))
        _ = try SealedStore.open(
            at: home.place, unlockedBy: unlock(), openPGP: home.openPGP, besideManager: true)
        #expect(home.has("state/.new-123"))
        _ = try home.open()
        #expect(!home.has("state/.new-123"))
    }

    @Test func `A generation without a commit, and leftovers, are left out of account`() throws {
        for (name, content) in [
            ("state/generation-0000000006.pgp", bytes(500)), ("state/generation-0000000006.pgp", []),
            ("state/.new-123", bytes(50)), ("state/slots/.new-77", bytes(50)), (".new-5", bytes(50)),
        ] { try home.write(name, content) }
        try home.write(".new-mine", bytes(5))
        let (store, found) = try home.open()
        #expect(try plain(found) == plain(sample(5)))
        #expect(!home.has("state/.new-123") && !home.has("state/slots/.new-77") && !home.has(".new-5"))
        #expect(home.has(".new-mine"))
        #expect(try home.verify().findings.generations.map { $0.isCommitted } == [true, true, true, false])
        try store.save(sample(6), at: moment(6))
        #expect(try plain(home.open().content) == plain(sample(6)))
        #expect(try home.verify().findings.generations.allSatisfy { $0.isCommitted })
    }

    @Test func `A commit without its generation is an error, and nothing older passes for it`() throws {
        try home.remove("state/generation-0000000005.pgp")
        expectRefusal(.missing) { try home.open() }
        try home.write("state/generation-0000000005.pgp", [])
        expectRefusal(.truncated) { try home.open() }
    }

    @Test func `A rekey that was cut short after its state took the old one's place is finished by opening`() throws {
        let old = try StateHome(copying: home)
        try SealedStore.rekey(
            sample(9), at: home.place, slots: [cheapSlot("another long passphrase")], openPGP: home.openPGP,
            now: moment(20))
        #expect(!home.has(".rekey"))
        // As it lies there when the process is killed before the witness was moved.
        mkdir("\(home.path)/.rekey", 0o700)
        try home.move("witness.pgp", to: ".rekey/witness.pgp")
        try home.replace("witness.pgp", from: old)
        try home.replace(".rekey/state", from: old, named: "state")
        let secret = try unlock("another long passphrase")
        let before = try home.tree()
        let findings = try SealedStore.verify(at: home.place, unlockedBy: secret, openPGP: home.openPGP).findings
        #expect(findings.isWhole && findings.hasWitness)
        #expect(try home.tree() == before)
        let content = try SealedStore.open(at: home.place, unlockedBy: secret, openPGP: home.openPGP).content
        #expect(try plain(content) == plain(sample(9)))
        #expect(!home.has(".rekey"))
        #expect(try SealedStore.verify(at: home.place, unlockedBy: secret, openPGP: home.openPGP).findings.hasWitness)
    }

    @Test func `A witness of another instance still stops the opening, whatever lies beside`() throws {
        let other = try StateHome()
        try other.create(sample(1))
        try home.replace("witness.pgp", from: other)
        mkdir("\(home.path)/.rekey", 0o700)
        try home.replace(".rekey/witness.pgp", from: other, named: "witness.pgp")
        expectRefusal(.foreign) { try home.open() }
        #expect(home.has(".rekey/witness.pgp"))
    }
}
