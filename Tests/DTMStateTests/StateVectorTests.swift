import DTMCore
import DTMSecrets
import FoundationEssentials
import Testing

@testable import DTMState

/// The code writes and reads what `docs/state-format.md` has as its vectors.
@Suite struct StateVectorTests {
    private let vectors: [String: [UInt8]]
    private let keys: StateKeys
    private let instance: InstanceID

    init() throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let document = String(
            decoding: try Data(contentsOf: URL(filePath: "\(root)/docs/state-format.md")), as: UTF8.self)
        vectors = try Self.vectors(of: document)
        keys = try StateKeys(root: secret(#require(vectors["root key"])))
        let named = try #require(vectors["instance"])
        instance = try #require(InstanceID(named))
    }

    /// `name: hexadecimal`, going on in lines that begin with spaces, in the blocks that are marked `vectors`.
    private static func vectors(of document: String) throws -> [String: [UInt8]] {
        var texts: [String: String] = [:]
        var name: String?
        var isInside = false
        for line in document.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isInside = line == "```vectors"
                name = nil
            } else if isInside, line.hasPrefix(" "), let name {
                texts[name, default: ""] += line.filter { $0 != " " }
            } else if isInside, let colon = line.firstIndex(of: ":") {
                name = String(line[..<colon])
                texts[String(line[..<colon])] = String(line[colon...].dropFirst().filter { $0 != " " })
            }
        }
        return try texts.mapValues { try #require(Hexadecimal.decode($0), "\($0)") }
    }

    private func vector(_ name: String) throws -> [UInt8] { try #require(vectors[name], "no vector \(name)") }

    private let time = Timestamp(nanoseconds: 1_767_323_045_000_000_000)

    private func content() throws -> StateContent {
        var content = StateContent()
        content.set("greeting", .bytes(Array("hello".utf8)))
        content.set("key", .secret(try secret([1, 2, 3, 4])))
        return content
    }

    private func binding() throws -> Envelope.Binding {
        Envelope.Binding(
            generation: 2, previous: [UInt8](repeating: 0x11, count: 32),
            signer: try #require(OpenPGPFingerprint([UInt8](repeating: 0xa0, count: 20))))
    }

    private func commit() -> Commit {
        Commit(
            instance: instance, generation: 2, previous: [UInt8](repeating: 0x11, count: 32),
            digest: [UInt8](repeating: 0x22, count: 32), length: 1_234, writtenAt: time, signer: [1, 2, 3, 4, 5])
    }

    private func hash() -> PassphraseHash {
        PassphraseHash(passes: 1, memoryBytes: 8 << 20, salt: [UInt8](repeating: 0x33, count: 16))
    }

    @Test func `The keys that come from the root key`() throws {
        let derived = [keys.content, keys.commits, keys.recipient, keys.witness, keys.slots]
        for (index, key) in derived.enumerated() { #expect(try copy(key) == vector("key \(index + 1)")) }
        #expect(Set(derived.map { copy($0) }).count == 5)
    }

    @Test func `A content`() throws {
        #expect(try copy(SharedSecret(content().encoded())) == vector("content"))
        let read = try StateContent(decoding: secret(vector("content")).bytes, file: "vector")
        #expect(try plain(read) == plain(content()))
    }

    @Test func `The inner layer of a generation`() throws {
        let envelope = Envelope(openPGP: RNPProvider(), keys: keys, instance: instance)
        let associated = try envelope.associated(binding())
        #expect(try associated == vector("associated"))
        let opened = try SecretCipher.open(vector("inner"), under: keys.content.bytes, associated: associated)
        guard let opened else { throw StateError(.modified, "the vector does not open") }
        #expect(try copy(SharedSecret(opened)) == vector("content"))
    }

    @Test func `A commit and its witness`() throws {
        #expect(try commit().encoded(keys) == vector("commit"))
        let read = try Commit(vector("commit"), keys, instance: instance, file: "vector")
        #expect(read == commit())
        let home = try StateHome()
        let witness = Witness(folder: try StateFolder(home.path), keys: keys, instance: instance)
        let digest = Digest.of(try vector("commit"))
        #expect(try witness.encoded(2, head: digest) == vector("witness"))
        try home.write(Witness.name, vector("witness"))
        #expect(try witness.check(GenerationReader.Found(commit: commit(), digest: digest)))
    }

    @Test func `A slot with its passphrase, and one with an operator's key`() throws {
        for (name, text) in [
            ("passphrase slot", "correct horse battery staple"), ("operator slot", String(repeating: "44", count: 32)),
        ] {
            let file = try SlotFile(vector(name), file: name)
            #expect(file.isGenuine(keys) && file.instance == instance && file.createdAt == time)
            #expect(file.label == "vector")
            let slot = try KeySlotKind.slot(file, name: name)
            let root = try #require(try slot.open(with: UnlockSecret(password(text))))
            #expect(try copy(root) == vector("root key"))
            #expect(try slot.open(with: UnlockSecret(password(text + "x"))) == nil)
        }
        let file = try SlotFile(vector("passphrase slot"), file: "vector")
        #expect(file.parameters == PassphraseSlot.parameters(hash()))
        guard let derived = try hash().key(for: password("correct horse battery staple").bytes) else { return }
        #expect(try copy(SharedSecret(derived)) == vector("passphrase key"))
    }

    @Test func `A backup`() throws {
        let read = try Backup(decrypted: secret(vector("backup")).bytes, from: "vector")
        #expect(read.instance == instance && read.generation == 2 && read.writtenAt == time)
        #expect(try plain(read.content) == plain(content()))
    }
}
