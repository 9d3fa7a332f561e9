import DTMCore
import DTMSecrets
import DTMTestSupport
import Glibc
import Testing

@testable import DTMState

@Suite struct BackupTests {
    let home: StateHome
    let store: SealedStore
    let pair: OpenPGPKeyPair
    let folder: BackupFolder
    private let many = BackupRetention(count: 100, age: .seconds(1_000_000))

    init() throws {
        home = try StateHome()
        store = try home.create(sample(1))
        pair = try home.openPGP.generateKeyPair(userID: "backup")
        folder = try BackupFolder(home.place, openPGP: home.openPGP)
    }

    private func backup(_ number: Int, at seconds: Int64) throws -> Backup {
        Backup(
            instance: store.instance, generation: UInt64(number), writtenAt: moment(seconds),
            content: try sample(number))
    }

    @discardableResult
    private func write(
        _ number: Int, at seconds: Int64, keeping retention: BackupRetention? = nil
    ) throws -> (written: BackupFolder.Entry, removed: [BackupFolder.Entry]) {
        try folder.write(backup(number, at: seconds), to: pair.publicKey, keeping: retention ?? many)
    }

    @Test func `What gpg decrypts is the same content`() throws {
        let gpg = try GnuPG()
        let key = try OpenPGPPublicKey(gpg.makeKey("backup@example.org"), requireEncryption: true)
        let (entry, removed) = try folder.write(backup(3, at: 7_000), to: key, keeping: many)
        #expect(entry.name == "dtm-3-7000.pgp" && removed.isEmpty)
        let text = try gpg.run(["--decrypt", "\(folder.path)/\(entry.name)"])
        let read = try Backup(decrypted: secret(text).bytes, from: "gpg")
        #expect(try plain(read.content) == plain(sample(3)))
        #expect(read.instance == store.instance && read.generation == 3 && read.writtenAt == moment(7_000))
        // No key of the host opens it.
        for pair in [store.reader.recipient, store.session] {
            expectFailure(.noMatchingKey) { try home.openPGP.open(secretOf: folder.read(entry), with: pair) }
        }
    }

    private func decrypted(_ entry: BackupFolder.Entry) throws -> [UInt8] {
        copy(try home.openPGP.open(secretOf: folder.read(entry), with: pair))
    }

    @Test func `A backup that was changed is refused, each byte of it`() throws {
        let whole = try decrypted(write(2, at: 1).written)
        #expect(try plain(Backup(decrypted: secret(whole).bytes, from: "test").content) == plain(sample(2)))
        for byte in whole.indices where byte < 200 || byte.isMultiple(of: 97) {
            expectRefusal(.modified, .malformed, .truncated, of: "byte \(byte)") {
                try Backup(decrypted: secret(flipped(whole, byte * 8 + byte % 8)).bytes, from: "test")
            }
        }
        for length in Array(1..<150) + [whole.count - 1] {
            expectRefusal(.truncated, .malformed, of: "\(length)") {
                try Backup(decrypted: secret(whole[..<length]).bytes, from: "test")
            }
        }
        expectRefusal(.malformed) { try Backup(decrypted: secret(whole + [0]).bytes, from: "test") }
    }

    @Test func `Numbers of any size in a backup are read, not trapped on`() throws {
        let whole = try decrypted(write(2, at: 1).written)
        for range in [24..<32, 32..<40, 72..<76] {
            for value: UInt8 in [0xff, 0x80, 0x7f] {
                var changed = whole
                for index in range { changed[index] = index == range.lowerBound ? value : 0xff }
                expectRefusal(.modified, .truncated) { try Backup(decrypted: secret(changed).bytes, from: "test") }
            }
        }
        // The control: such numbers can be written.
        let far = Backup(
            instance: store.instance, generation: .max, writtenAt: Timestamp(nanoseconds: .min), content: StateContent()
        )
        let message = try far.message(to: pair.publicKey, home.openPGP)
        let read = try Backup(
            decrypted: home.openPGP.open(secretOf: message, with: pair).bytes, from: "test")
        #expect(read.generation == .max && read.writtenAt == Timestamp(nanoseconds: .min))
    }

    @Test func `Bytes that were changed at random are read or refused, never worse`() throws {
        let whole = try decrypted(write(2, at: 1).written)
        var generator = SeededGenerator(seed: 3)
        for _ in SeededGenerator.rounds(500) {
            let changed = generator.mutated(whole)
            // A byte may be replaced by the same one.
            guard changed != whole else { continue }
            #expect(throws: StateError.self) { try Backup(decrypted: secret(changed).bytes, from: "test") }
        }
    }

    @Test func `The message of a backup that was changed is not decrypted`() throws {
        let entry = try write(2, at: 1).written
        let whole = try folder.read(entry)
        for byte in stride(from: 120, to: whole.count, by: 211) {
            try home.write("backups/\(entry.name)", flipped(whole, byte * 8))
            #expect(throws: OpenPGPError.self) { try decrypted(entry) }
        }
        try home.write("backups/\(entry.name)", whole)
        #expect(throws: Never.self) { try decrypted(entry) }
    }

    // MARK: Pruning

    private func names() throws -> [String] { try folder.entries().map { $0.name } }

    @Test func `The oldest go when there are too many`() throws {
        let retention = BackupRetention(count: 3, age: .seconds(1_000_000))
        for number in 1...6 { try write(number, at: Int64(number) * 10, keeping: retention) }
        #expect(try names() == ["dtm-4-40.pgp", "dtm-5-50.pgp", "dtm-6-60.pgp"])
    }

    @Test func `The old ones go, but the newest never`() throws {
        for number in 1...3 { try write(number, at: Int64(number) * 10) }
        let removed = try write(4, at: 1_000, keeping: BackupRetention(count: 9, age: .seconds(975))).removed
        #expect(removed.map { $0.name } == ["dtm-1-10.pgp", "dtm-2-20.pgp"])
        #expect(try names() == ["dtm-3-30.pgp", "dtm-4-1000.pgp"])
        for (count, age) in [(0, 0), (-5, -1), (1, 0)] as [(Int, Int64)] {
            try write(5, at: 2_000, keeping: BackupRetention(count: count, age: .seconds(age)))
            #expect(try names() == ["dtm-5-2000.pgp"])
        }
    }

    @Test func `What was just written stays, whatever the clock says and whatever is named after next year`() throws {
        for number in 1...3 { try write(number, at: 5_000 + Int64(number)) }
        try home.write("backups/dtm-99-8000000000.pgp", bytes(10))
        // The clock was set back.
        let written = try write(4, at: 100, keeping: BackupRetention(count: 1, age: .seconds(1))).written
        #expect(try names().contains(written.name))
        #expect(try names().count == 5)
        // And is right again.
        try write(5, at: 6_000, keeping: BackupRetention(count: 2, age: .seconds(10_000)))
        #expect(try names() == ["dtm-3-5003.pgp", "dtm-5-6000.pgp", "dtm-99-8000000000.pgp"])
    }

    @Test func `Files that are not named as backups are left alone`() throws {
        let strange = [
            "dtm-1-2.pgp.bak", "dtm-01-2.pgp", "dtm-1--2.pgp", "dtm-1-+2.pgp", "dtm-1-2-3.pgp", "dtm-.pgp", "x.pgp",
            "dtm-1-8589934592.pgp", "dtm-18446744073709551616-2.pgp", "DTM-1-2.pgp", "dtm-1-2", "dtm-1-02.pgp",
        ]
        for name in strange { try home.write("backups/\(name)", bytes(3)) }
        try write(1, at: 10)
        try write(2, at: 10_000_000, keeping: BackupRetention(count: 1, age: .zero))
        #expect(try names() == ["dtm-2-10000000.pgp"])
        for name in strange { #expect(home.has("backups/\(name)"), "\(name)") }
    }

    @Test func `A time that can't be named is refused before anything is written`() throws {
        expectRefusal(.malformed) { try write(1, at: -1) }
        expectRefusal(.malformed) { try write(1, at: 1 << 33) }
        #expect(try home.files(in: "backups").isEmpty)
        try write(1, at: 0)
        #expect(try names() == ["dtm-1-0.pgp"])
    }

    @Test func `A backup whose writing fails at any call takes none of the others away`() throws {
        try write(1, at: 10)
        let retention = BackupRetention(count: 1, age: .zero)
        for number in 0..<12 {
            let plan = FaultPlan(number, ENOSPC)
            let result = plan.run { try write(2, at: 20, keeping: retention) }
            if case .failure(let error) = result {
                #expect((error as? StateError)?.code == .full)
                #expect(try names().contains("dtm-1-10.pgp"))
            }
            if try names() == ["dtm-2-20.pgp"] {
                #expect(number >= 7)
                try write(1, at: 10)
            }
        }
        #expect(try home.files(in: "backups").allSatisfy { $0.hasSuffix(".pgp") })
    }
}
