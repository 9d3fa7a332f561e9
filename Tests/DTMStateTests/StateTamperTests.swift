import DTMSecrets
import DTMTestSupport
import FoundationEssentials
import Glibc
import Testing

@testable import DTMState

/// Whatever was done to a file is told by an error of its own, and nothing on the disk changes for it.
@Suite struct StateTamperTests {
    let home: StateHome
    let root: SharedSecret
    private let content = "state/generation-0000000003.pgp"
    private let head = "state/generation-0000000003.head.pgp"
    private let older = "state/generation-0000000002.pgp"
    private let olderHead = "state/generation-0000000002.head.pgp"

    init() throws {
        home = try StateHome()
        let store = try home.create(sample(1))
        root = store.rootKey
        try store.save(sample(2), at: moment(2))
        try store.save(sample(3), at: moment(3))
    }

    /// Does something to the home, expects the opening to fail so, puts everything back, and expects that it opens.
    private func expectRefused(
        _ codes: StateError.Code..., byPassphrase: Bool = false, of what: @autoclosure () -> String = "",
        sourceLocation: SourceLocation = #_sourceLocation, _ change: () throws -> Void
    ) throws {
        let kept = try StateHome(copying: home)
        try change()
        let before = try home.tree()
        do {
            _ = try byPassphrase ? home.open() : home.open(root: root)
            Issue.record("it opened \(what())", sourceLocation: sourceLocation)
        } catch let error as StateError {
            #expect(codes.contains(error.code), "\(error.code): \(error) \(what())", sourceLocation: sourceLocation)
            #expect(error.hint != nil, "\(error.message)", sourceLocation: sourceLocation)
        }
        #expect(try home.tree() == before, "something changed \(what())", sourceLocation: sourceLocation)
        for name in ["state", "witness.pgp"] { try home.replace(name, from: kept) }
        #expect(try plain(home.open(root: root).content) == plain(sample(3)), sourceLocation: sourceLocation)
    }

    /// Writes a generation in the place of the newest, with a commit that fits; what is wrong is in the message alone.
    private func replaceNewest(_ make: (SealedStore, [UInt8]) throws -> (message: [UInt8], signer: [UInt8])) throws {
        let store = try home.open(root: root).store
        let found = try store.reader.head(3)
        let signer = try OpenPGPPublicKey(found.commit.signer)
        let inner = try home.openPGP.open(home.bytes(content), with: store.reader.recipient, signer: signer)
        let made = try make(store, inner)
        var commit = found.commit
        commit.digest = Digest.of(made.message)
        commit.length = UInt64(made.message.count)
        commit.signer = made.signer
        let encoded = commit.encoded(store.keys)
        try home.write(content, made.message)
        try home.write(head, encoded)
        try home.write(
            "witness.pgp",
            Witness(folder: try StateFolder(home.path), keys: store.keys, instance: store.instance)
                .encoded(3, head: Digest.of(encoded)))
    }

    // MARK: Signatures

    @Test func `A generation that is not signed`() throws {
        try expectRefused(.unsigned) {
            try replaceNewest { store, inner in
                let message = try home.openPGP.seal(secret: secret(inner), to: [store.reader.recipient.publicKey])
                return (message, store.session.publicKey.bytes)
            }
        }
        // With the generation's file alone replaced, too.
        let store = try home.open(root: root).store
        let message = try home.openPGP.seal(secret: secret(bytes(2_000)), to: [store.reader.recipient.publicKey])
        #expect(try message.count > home.bytes(content).count || home.bytes(content).count > 2_000)
        try expectRefused(.unsigned, .truncated) { try home.write(content, message) }
    }

    @Test func `A generation that another key signed`() throws {
        let stranger = try home.openPGP.generateKeyPair(userID: "DTM state")
        try expectRefused(.foreignSigner) {
            try replaceNewest { store, inner in
                let message = try home.openPGP.seal(
                    inner, signedBy: stranger, to: [store.reader.recipient.publicKey])
                return (message, store.session.publicKey.bytes)
            }
        }
        // The recipient's own key signs nothing either.
        try expectRefused(.foreignSigner) {
            try replaceNewest { store, inner in
                let recipient = store.reader.recipient
                return (
                    try home.openPGP.seal(inner, signedBy: recipient, to: [recipient.publicKey]),
                    store.session.publicKey.bytes
                )
            }
        }
    }

    @Test func `A content under another generation's seal, though signed and committed`() throws {
        try expectRefused(.modified) {
            try replaceNewest { store, inner in
                // Another signer: the inner layer is bound to the first.
                let message = try home.openPGP.seal(
                    inner, signedBy: store.session, to: [store.reader.recipient.publicKey])
                return (message, store.session.publicKey.bytes)
            }
        }
    }

    @Test func `A content to another recipient`() throws {
        let stranger = try home.openPGP.generateKeyPair(userID: "other")
        try expectRefused(.foreign) {
            try replaceNewest { store, inner in
                (
                    try home.openPGP.seal(inner, signedBy: store.session, to: [stranger.publicKey]),
                    store.session.publicKey.bytes
                )
            }
        }
    }

    // MARK: Cut short

    @Test func `A generation's file that is cut short anywhere`() throws {
        try expectCut(content, step: 23)
    }

    @Test func `A commit that is cut short anywhere`() throws { try expectCut(head, step: 7) }
    @Test func `A witness that is cut short anywhere`() throws { try expectCut("witness.pgp", step: 1) }
    @Test func `A recipient's key that is cut short anywhere`() throws {
        try expectCut("state/recipient.pgp", step: 13)
    }

    private func expectCut(_ name: String, step: Int) throws {
        let whole = try home.bytes(name)
        defer { try? home.write(name, whole) }
        for length in Array(stride(from: 0, to: whole.count, by: step)) + [whole.count - 1] {
            try home.write(name, Array(whole[..<length]))
            expectRefusal(.truncated, of: "at \(length) of \(whole.count)") { try home.open(root: root) }
        }
        try home.write(name, whole)
        #expect(throws: Never.self) { try home.open(root: root) }
        try home.write(name, whole + [0])
        expectRefusal(.malformed, .modified) { try home.open(root: root) }
    }

    // MARK: Bits

    @Test func `Every bit of a commit`() throws {
        try expectBits(head, [.modified, .foreign, .malformed, .truncated], .modified)
    }
    @Test func `Every bit of the witness`() throws {
        try expectBits("witness.pgp", [.modified, .foreign, .malformed, .truncated], .modified)
    }
    @Test func `Every bit of the recipient's key`() throws {
        try expectBits("state/recipient.pgp", [.modified, .malformed, .truncated, .foreign], .modified)
    }
    @Test func `Every bit of the generation's file`() throws {
        try expectBits(content, [.modified, .malformed, .truncated, .foreign], .modified)
    }
    @Test func `Every bit of the commit before`() throws { try expectBits(olderHead, [.chain], .chain) }

    /// Flips bits in turn, one or more of each byte, and expects one of the codes each time, most often the one that says it.
    private func expectBits(_ name: String, _ codes: [StateError.Code], _ usual: StateError.Code) throws {
        let whole = try home.bytes(name)
        defer { try? home.write(name, whole) }
        let before = try home.tree()
        var generator = SeededGenerator(seed: 5)
        var counts: [StateError.Code: Int] = [:]
        for _ in SeededGenerator.rounds(1) {
            for byte in whole.indices where byte < 200 || byte.isMultiple(of: whole.count / 200) {
                let bit = byte * 8 + Int.random(in: 0..<8, using: &generator)
                try home.write(name, flipped(whole, bit))
                do {
                    _ = try home.open(root: root)
                    Issue.record("bit \(bit) of \(name) passed")
                } catch let error as StateError {
                    #expect(codes.contains(error.code), "bit \(bit): \(error)")
                    counts[error.code, default: 0] += 1
                }
            }
        }
        try home.write(name, whole)
        #expect(try home.tree() == before)
        #expect(throws: Never.self) { try home.open(root: root) }
        let most = counts.max { $0.value < $1.value }
        #expect(most?.key == usual, "\(counts)")
    }

    // MARK: Put in another's place

    @Test func `An older generation under the newer's name`() throws {
        try expectRefused(.generation) { try home.write(content, home.bytes(older)) }
        try expectRefused(.generation) { try home.write(head, home.bytes(olderHead)) }
        try expectRefused(.generation) {
            try home.write(content, home.bytes(older))
            try home.write(head, home.bytes(olderHead))
        }
    }

    @Test func `A newer generation under an older's name`() throws {
        // The one in force is untouched, and verifying tells of the other.
        try home.write(older, home.bytes(content))
        #expect(throws: Never.self) { try home.open(root: root) }
        let findings = try home.verify().findings
        #expect(findings.generations.map { $0.problem?.code } == [nil, .generation, nil])
    }

    @Test func `Files of another instance`() throws {
        let other = try StateHome()
        let store = try other.create(sample(4))
        for number in 5...6 { try store.save(sample(number), at: moment(Int64(number))) }
        let slot = try home.slotFile()
        try expectRefused(.foreign) { try home.write(head, other.bytes(head)) }
        try expectRefused(.foreign, .truncated) { try home.write(content, other.bytes(content)) }
        try expectRefused(.foreign) { try home.write("witness.pgp", other.bytes("witness.pgp")) }
        try expectRefused(.foreign) { try home.write("state/recipient.pgp", other.bytes("state/recipient.pgp")) }
        try expectRefused(.foreign, byPassphrase: true) {
            try home.write("state/recipient.pgp", other.bytes("state/recipient.pgp"))
        }
        try expectRefused(.foreign, byPassphrase: true) {
            try home.write(slot, other.bytes(other.slotFile()))
        }
        try expectRefused(.chain) { try home.write(olderHead, other.bytes(olderHead)) }
        try expectRefused(.foreign) { try home.replace("state", from: other) }
    }

    @Test func `The whole folder of an earlier day`() throws {
        let yesterday = try StateHome(copying: home)
        let store = try home.open(root: root).store
        try store.save(sample(4), at: moment(4))
        let today = try StateHome(copying: home)
        try home.replace("state", from: yesterday)
        let before = try home.tree()
        let error = expectRefusal(.rolledBack) { try home.open(root: root) }
        #expect(error?.hint?.contains("--generation 3") == true)
        #expect(try home.tree() == before)
        try home.replace("state", from: today)
        #expect(try home.open(root: root).store.generation == 4)
        // The same number, and another generation: two histories.
        try home.replace("state", from: yesterday)
        try home.remove("witness.pgp")
        try home.open(root: root).store.save(sample(5), at: moment(5))
        try home.replace("state", from: today)
        expectRefusal(.rolledBack) { try home.open(root: root) }
    }

    // MARK: Taken away

    @Test func `Files that are gone`() throws {
        try expectRefused(.missing) { try home.remove(content) }
        try expectRefused(.rolledBack) { try home.remove(head) }
        try expectRefused(.missing) { try home.remove("state/recipient.pgp") }
        try expectRefused(.noSlot, byPassphrase: true) { try home.remove(home.slotFile()) }
        try expectRefused(.absent) { try home.remove("state/slots") }
        try expectRefused(.missing) {
            for name in try home.files(in: "state") where name.hasSuffix(".head.pgp") { try home.remove(name) }
        }
    }

    @Test func `Without a commit before and without a witness it opens: they are not what is in force`() throws {
        try home.remove(olderHead)
        try home.remove("witness.pgp")
        #expect(try plain(home.open(root: root).content) == plain(sample(3)))
        #expect(try !home.verify().findings.hasWitness)
    }

    // MARK: No files at all

    @Test func `Links, pipes, folders and files that never end`() throws {
        let names = [content, head, "state/recipient.pgp", "witness.pgp"]
        for name in names {
            try expectRefused(.malformed, of: name) {
                try home.move(name, to: "aside")
                symlink("\(home.path)/aside", "\(home.path)/\(name)")
            }
            unlink("\(home.path)/aside")
            try expectRefused(.malformed, of: name) {
                try home.remove(name)
                mkfifo("\(home.path)/\(name)", 0o600)
            }
            try expectRefused(.malformed, of: name) {
                try home.remove(name)
                mkdir("\(home.path)/\(name)", 0o700)
            }
            try expectRefused(.tooLarge, of: name) { truncate("\(home.path)/\(name)", 1 << 40) }
        }
        try expectRefused(.io) {
            try home.move("state/slots", to: "state/set-aside-slots")
            symlink("set-aside-slots", "\(home.path)/state/slots")
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func `Folders of another user, and folders that others may write to`() throws {
        for name in ["state", "state/slots", ""] {
            let path = "\(home.path)/\(name)"
            for change in [{ chown(path, 12_345, 0) }, { chmod(path, 0o720) }, { chmod(path, 0o702) }] {
                _ = change()
                let before = try home.tree()
                expectRefusal(.io, of: name) { try home.open(root: root) }
                #expect(try home.tree() == before)
                chown(path, geteuid(), getegid())
                chmod(path, 0o700)
                #expect(throws: Never.self) { try home.open(root: root) }
            }
        }
    }

    @Test func `Names that mean nothing are left alone, and told of when it is verified`() throws {
        let strange = [
            "generation-2.pgp", "generation-00000000002.pgp", "generation-0000000009.pgp.bak", "generation-.pgp", "x",
            "generation--000000001.pgp",
        ]
        for name in strange { try home.write("state/\(name)", bytes(10)) }
        try home.open(root: root).store.save(sample(4), at: moment(4))
        for name in strange { #expect(home.has("state/\(name)")) }
        let findings = try home.verify().findings
        #expect(findings.problems.count == strange.count && !findings.isWhole)
    }

    @Test func `Generations of the largest numbers neither pass nor trap`() throws {
        let largest = "state/generation-\(UInt64.max)"
        try home.write("\(largest).pgp", bytes(10))
        let store = try home.open(root: root).store
        try store.save(sample(4), at: moment(4))
        #expect(home.has("\(largest).pgp"))
        try home.write("\(largest).head.pgp", bytes(10))
        expectRefusal(.malformed) { try home.open(root: root) }
        try home.write("\(largest).head.pgp", home.bytes(head))
        expectRefusal(.generation) { try home.open(root: root) }
        #expect(try home.recover(4).store.generation == 5)
        #expect(try home.open(root: root).store.generation == 5)
    }
}
