import DTMSecrets
import DTMTestSupport
import Glibc
import Testing

@testable import DTMState

/// A secret that the test knows, in every form in which a program may hold it: the halves of its bytes in their order and the
/// other way round (as the limbs of a number on this machine), and as hexadecimal digits.
struct PlantedSecret {
    let name: String
    /// The forms of the first and of the second half.
    let forms: [[[UInt8]]]

    /// A key or a number.
    init(_ name: String, _ bytes: [UInt8]) {
        self.name = name
        let middle = bytes.count / 2
        forms = [Array(bytes[..<middle]), Array(bytes[middle...])].map { half in
            [half, Array(half.reversed()), Self.digits(half, uppercase: false), Self.digits(half, uppercase: true)]
        }
    }

    /// What people and files have as text.
    init(_ name: String, text: String) {
        self.name = name
        let bytes = Array(text.utf8)
        let middle = bytes.count / 2
        forms = [[Array(bytes[..<middle])], [Array(bytes[middle...])]]
    }

    static func digits(_ bytes: [UInt8], uppercase: Bool) -> [UInt8] {
        bytes.flatMap { byte in
            let text = String(byte, radix: 16, uppercase: uppercase)
            return Array((text.count == 1 ? "0\(text)" : text).utf8)
        }
    }

    /// Of either half, whichever is there more often.
    func copies(_ count: (Int) -> Int) -> Int {
        var index = 0
        var most = 0
        for half in forms {
            most = max(most, (index..<index + half.count).reduce(0) { $0 + count($1) })
            index += half.count
        }
        return most
    }
}

/// Secrets, and beside them something that is surely found.
struct SecretSearch {
    let secrets: [PlantedSecret]

    struct Found: Equatable, CustomStringConvertible {
        /// By name; those that were not found are left out.
        var copies: [String: Int]
        /// Of what is surely there.
        var surely: Int

        var description: String { "\(copies.sorted { $0.key < $1.key }), surely \(surely)" }
    }

    func search(_ pid: pid_t, surely: String = "\u{0}\u{0}") throws -> Found {
        try found(surely) { try ProcessMemory.occurrences(of: $0, in: pid) }
    }

    func search(image: [[UInt8]], surely: String) -> Found {
        found(surely) { ProcessMemory.occurrences(of: $0, inImage: image) }
    }

    func search(file: String, surely: String = "\u{0}\u{0}") throws -> Found {
        try found(surely) { try ProcessMemory.occurrences(of: $0, inFile: file) }
    }

    private func found(_ surely: String, _ occurrences: ([[UInt8]]) throws -> [Int]) rethrows -> Found {
        let counts = try occurrences(secrets.flatMap { $0.forms.flatMap(\.self) } + [Array(surely.utf8)])
        var start = 0
        var copies: [String: Int] = [:]
        for secret in secrets {
            let number = secret.copies { counts[start + $0] }
            if number > 0 { copies[secret.name] = number }
            start += secret.forms.reduce(0) { $0 + $1.count }
        }
        return Found(copies: copies, surely: counts.last ?? 0)
    }
}

extension SealedHome {
    /// What is secret in the generation in force and around it, and the public key of the process that wrote it. Opened from a
    /// copy, by the test itself: the manager goes on.
    func secrets(passphrase: String) throws -> (secrets: [PlantedSecret], signer: [UInt8]) {
        let copy = directory.file("copy")
        let made = try run(
            "sh",
            [
                "-c",
                #"rm -rf "$2" && mkdir -m 700 "$2" && cp -a "$1/state" "$1/witness.pgp" "$2""#,
                "sh", home, copy,
            ], in: directory)
        try #require(made.status == 0, "\(made.errors)")
        let openPGP = RNPProvider()
        let text = Array(passphrase.utf8)
        let unlock = try UnlockSecret(
            SharedSecret(try SecretBytes(count: text.count) { $0.copyBytes(from: text) }))
        let place = StatePlace(home: copy)
        let (store, content) = try SealedStore.open(at: place, unlockedBy: unlock, openPGP: openPGP)
        let keys = store.keys
        var found = [PlantedSecret("passphrase", text: passphrase)]
        for (name, key) in [
            ("root key", keys.root), ("content key", keys.content), ("commit key", keys.commits),
            ("recipient's wrapping key", keys.recipient), ("witness key", keys.witness), ("slot key", keys.slots),
        ] { found.append(PlantedSecret(name, Self.bytes(key))) }
        let recipient = Self.bytes(store.reader.recipient.secretKey)
        let numbers = recipient.withUnsafeBytes { OpenPGPSecretNumbers.ranges(in: $0) }
        try #require(numbers.count == 2)
        found.append(PlantedSecret("recipient's seed", Array(recipient[numbers[0]])))
        found.append(PlantedSecret("recipient's scalar", Array(recipient[numbers[1]])))
        for (name, section) in content.sections {
            if case .secret(let secret) = section { found.append(PlantedSecret(name, Self.bytes(secret))) }
        }
        return (found, try store.reader.head(store.generation).commit.signer)
    }

    /// The secret numbers of a key pair, out of memory that holds it as packets; its public half is known.
    static func numbers(of publicKey: [UInt8], in image: [[UInt8]]) -> [PlantedSecret] {
        publicKey.withUnsafeBytes { key in
            OpenPGPSecretNumbers.publicEnds(in: key).compactMap { end in
                image.lazy.compactMap { number(after: UnsafeRawBufferPointer(rebasing: key[end]), in: $0) }.first
            }
        }
        .enumerated().map { PlantedSecret("session's number \($0)", $1) }
    }

    /// Without a password: 0, the number's length in bits (2), and its bytes.
    private static func number(after end: UnsafeRawBufferPointer, in memory: [UInt8]) -> [UInt8]? {
        memory.withUnsafeBytes { memory in
            var place = 0
            while let base = memory.baseAddress, let wanted = end.baseAddress, place + end.count + 35 <= memory.count,
                let hit = memchr(base + place, CInt(end[0]), memory.count - place - end.count - 34)
            {
                place = UnsafeRawPointer(hit) - base + 1
                let start = place - 1 + end.count
                guard memcmp(hit, wanted, end.count) == 0, memory[start] == 0 else { continue }
                let bits = Int(memory[start + 1]) << 8 + Int(memory[start + 2])
                if (249...256).contains(bits) { return Array(memory[(start + 3)..<(start + 35)]) }
            }
            return nil
        }
    }

    private static func bytes(_ secret: SharedSecret) -> [UInt8] {
        secret.bytes.withBytes { span in span.withUnsafeBytes { Array($0) } }
    }
}
