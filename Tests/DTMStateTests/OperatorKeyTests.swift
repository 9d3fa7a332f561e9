import DTMSecrets
import FoundationEssentials
import Glibc
import Testing

@testable import DTMState

/// With the real GnuPG, as an operator does it.
@Suite struct OperatorKeyTests {
    /// Gives what gpg writes to a pipe, as the shell does.
    private func piped(_ bytes: [UInt8]) throws -> UnlockSecret {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        #expect(write(ends[1], bytes, bytes.count) == bytes.count)
        close(ends[1])
        return try UnlockSecret(reading: ends[0], from: "gpg")
    }

    @Test(arguments: ["future-default", "rsa2048"])
    func `What gpg decrypts opens the slot, and nothing else does`(algorithm: String) throws {
        let gpg = try GnuPG()
        let key = try OpenPGPPublicKey(
            gpg.makeKey(
                "operator@example.org", algorithm: algorithm, usage: algorithm == "rsa2048" ? "sign,encrypt" : "default"
            ),
            requireEncryption: true)
        let home = try StateHome()
        let store = try home.create(sample(1), slots: [cheapSlot()])
        let id = try store.addSlot(.operatorKey(key, label: "card"), at: moment(3))
        let file = "\(home.path)/state/slots/\(id).key.pgp"
        let text = try gpg.run(["--decrypt", file])
        #expect(text.count == 65 && text.last == UInt8(ascii: "\n"))
        let opened = try SealedStore.open(at: home.place, unlockedBy: piped(text), openPGP: home.openPGP)
        #expect(try plain(opened.content) == plain(sample(1)))
        let upper = text.map { (0x61...0x66).contains($0) ? $0 - 0x20 : $0 }
        #expect(throws: Never.self) {
            try SealedStore.open(at: home.place, unlockedBy: piped(upper), openPGP: home.openPGP)
        }
        for wrong in [flipped(text, 0), Array(text.dropFirst(2)), Array("zz".utf8) + text.dropFirst(2)] {
            expectRefusal(.locked) {
                try SealedStore.open(at: home.place, unlockedBy: piped(wrong), openPGP: home.openPGP)
            }
        }
        // The file beside it is part of what is verified.
        let name = "state/slots/\(id).key.pgp"
        let whole = try home.bytes(name)
        try home.write(name, flipped(whole, 8 * 40))
        expectRefusal(.modified) { try store.verifyOnDisk() }
        try home.remove(name)
        expectRefusal(.missing) { try store.verifyOnDisk() }
        try home.write(name, whole)
        try store.verifyOnDisk()
    }

    @Test func `An operator's slot alone opens it, and the host has no key for it`() throws {
        let gpg = try GnuPG()
        let key = try OpenPGPPublicKey(gpg.makeKey("operator@example.org"), requireEncryption: true)
        let home = try StateHome()
        let store = try home.create(sample(1), slots: [.operatorKey(key, label: "card")])
        let name = try #require(try home.files(in: "state/slots").first { $0.hasSuffix(".key.pgp") })
        for pair in [store.reader.recipient, store.session] {
            expectFailure(.noMatchingKey) { try home.openPGP.open(secretOf: home.bytes(name), with: pair) }
        }
        let text = try gpg.run(["--decrypt", "\(home.path)/\(name)"])
        let opened = try SealedStore.open(at: home.place, unlockedBy: piped(text), openPGP: home.openPGP)
        #expect(try plain(opened.content) == plain(sample(1)))
        expectRefusal(.locked) { try home.open() }
    }
}
