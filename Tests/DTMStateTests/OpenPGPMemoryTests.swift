import CDTMLinux
import CSodium
import DTMSecrets
import DTMTestSupport
import Glibc
import Testing

@testable import DTMState

@Suite(.serialized) struct OpenPGPMemoryTests {
    let provider = RNPProvider()

    /// Where else the secret numbers of a key stand: the EdDSA seed, the ECDH scalar, and what the seed expands to.
    private func copies(ofNumbersIn key: OpenPGPKeyPair, besides: [SharedSecret] = []) throws -> [Int] {
        let expanded = try expandedSeed(of: key)
        var counts: [Int] = []
        SecretNumbers.withEach(of: key) { number in
            counts.append(MemoryScan.copies(of: number, besides: besides + [key.secretKey]))
        }
        return counts + [MemoryScan.copies(of: expanded, besides: besides)]
    }

    /// The scalar that signs: SHA-512 of the seed, its first half without the bits that are set or cleared (RFC 8032, 5.1.5).
    private func expandedSeed(of key: OpenPGPKeyPair) throws -> SharedSecret {
        try ProtectedThread.run {
            var hash: SharedSecret?
            try SecretNumbers.withEach(of: key) { seed in
                guard hash == nil, let start = seed.bindMemory(to: UInt8.self).baseAddress else { return }
                let whole = try SecretBytes(count: 64) { output in
                    guard let output = output.bindMemory(to: UInt8.self).baseAddress else { return }
                    crypto_hash_sha512(output, start, UInt64(seed.count))
                }
                hash = SharedSecret(
                    try SecretBytes(count: 30) { output in
                        whole.withBytes { span in
                            span.withUnsafeBytes {
                                output.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[1..<31]))
                            }
                        }
                    })
            }
            return try #require(hash)
        }
    }

    // MARK: What is left

    @Test
    func `After making a key, sealing and opening, its numbers are in the key's protected memory and nowhere else`()
        throws
    {
        let key = try MemoryScan.atDepth { try provider.generateKeyPair(userID: "own") }
        for count in [10, 100_000] {
            let message = try MemoryScan.atDepth { try provider.seal(bytes(count), signedBy: key, to: [key.publicKey]) }
            _ = try MemoryScan.atDepth { try provider.open(message, with: key, signer: key.publicKey) }
        }
        _ = try MemoryScan.atDepth { try OpenPGPKeyPair(secretKey: key.secretKey) }
        #expect(try copies(ofNumbersIn: key) == [0, 0, 0])
    }

    @Test func `Failures leave nothing either`() throws {
        let key = try provider.generateKeyPair(userID: "own")
        let other = try provider.generateKeyPair(userID: "other")
        var message = try provider.seal(bytes(1_000), signedBy: other, to: [key.publicKey])
        expectFailure(.foreignSigner) { try provider.open(message, with: key, signer: key.publicKey) }
        message[message.count - 30] ^= 1
        expectFailure(.modified) { try provider.open(message, with: key, signer: other.publicKey) }
        expectFailure(.noMatchingKey) { try provider.open(message, with: other, signer: other.publicKey) }
        #expect(try copies(ofNumbersIn: key) == [0, 0, 0])
        #expect(try copies(ofNumbersIn: other) == [0, 0, 0])
    }

    @Test(arguments: [32, 5_000, 200_000]) func `A secret that was sealed and opened is where its owners hold it`(
        count: Int
    ) throws {
        let key = try provider.generateKeyPair(userID: "own")
        let secret = SharedSecret(try SecretBytes(randomCount: count))
        let message = try MemoryScan.atDepth { try provider.seal(secret: secret, to: [key.publicKey]) }
        let opened = try MemoryScan.atDepth { try provider.open(secretOf: message, with: key) }
        let isEqual = opened.bytes.isEqual(to: secret.bytes)
        #expect(isEqual)
        // Any part of it: buffers hold no more than a piece.
        secret.bytes.withBytes { span in
            span.withUnsafeBytes { bytes in
                for start in Set([0, (count - 32) / 2, count - 32]) {
                    let part = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + 32)])
                    #expect(MemoryScan.copies(of: part, besides: [secret, opened]) == 0, "at \(start)")
                }
            }
        }
    }

    @Test func `A password is where its owner holds it`() throws {
        let password = SharedSecret(
            try SecretBytes(count: 40) { buffer in
                for index in buffer.indices { buffer[index] = UInt8.random(in: 33...126) }
            })
        let message = try MemoryScan.atDepth { try provider.seal([1, 2, 3], password: password) }
        #expect(try MemoryScan.atDepth { try provider.open(message, password: password) } == [1, 2, 3])
        #expect(MemoryScan.copies(of: password) == 0)
    }

    @Test func `The key that a message is encrypted with is nowhere`() throws {
        let gpg = try GnuPG()
        let key = try provider.generateKeyPair(userID: "own")
        try gpg.run(["--import", "{key}"], files: ["key": copy(key.secretKey)])
        let message = try MemoryScan.atDepth { try provider.seal(bytes(1_000), signedBy: key, to: [key.publicKey]) }
        _ = try MemoryScan.atDepth { try provider.open(message, with: key, signer: key.publicKey) }
        // As "9:" and 64 hexadecimal digits. Numbers are made of them in protected memory only.
        let text = try gpg.run(
            ["--status-fd", "1", "--show-session-key", "--output", "/dev/null", "--decrypt", "{m}"],
            files: ["m": message])
        let start = try #require(text.indices.first { text[$0...].starts(with: "SESSION_KEY 9:".utf8) }) + 14
        let session = SharedSecret(
            try SecretBytes(count: 32) { buffer in
                for index in buffer.indices {
                    buffer[index] = digit(text[start + 2 * index]) << 4 | digit(text[start + 2 * index + 1])
                }
            })
        #expect(MemoryScan.copies(of: session) == 0)
    }

    private func digit(_ character: UInt8) -> UInt8 { character < 58 ? character - 48 : (character | 32) - 87 }

    // MARK: The search finds what is there

    @Test func `A copy that was kept on purpose is found, forwards and backwards`() throws {
        let secret = SharedSecret(try SecretBytes(randomCount: 32))
        #expect(MemoryScan.copies(of: secret) == 0)
        let kept = copy(secret)
        #expect(MemoryScan.copies(of: secret) >= 1)
        let backwards = Array(kept.reversed())
        #expect(MemoryScan.copies(of: secret) >= 2)
        #expect(kept.count == backwards.count)
    }

    @Test func `While librnp holds a key, copies of its numbers are found, and none when it is gone`() throws {
        let key = try provider.generateKeyPair(userID: "own")
        let alive = try ProtectedThread.run {
            try RNPSession.run(time: 0) { session in
                try session.load(secretKey: key.secretKey)
                return try copies(ofNumbersIn: key)
            }
        }
        // The seed and the scalar stand in the packet and in its parsed form.
        #expect(alive[0] >= 1 && alive[1] >= 1, "\(alive)")
        print("copies of seed, scalar, expanded seed while librnp holds them: \(alive)")
        #expect(try copies(ofNumbersIn: key) == [0, 0, 0])
    }
}

/// The allocator's part alone.
@Suite struct OpenPGPWipingTests {
    private typealias Allocate = @convention(c) (Int) -> UnsafeMutableRawPointer?
    private typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void

    private func symbol<Function>(_ name: String, as type: Function.Type) throws -> Function {
        unsafeBitCast(try #require(dlsym(nil, name)), to: type)
    }

    /// How many of 1,000 bytes are left in memory after it was given back.
    private func left(by allocate: String, _ free: String, on run: (@escaping @Sendable () throws -> Int) throws -> Int)
        throws -> Int
    {
        let allocate = try symbol(allocate, as: Allocate.self)
        let free = try symbol(free, as: Free.self)
        return try run {
            let memory = try #require(allocate(1_000))
            memory.initializeMemory(as: UInt8.self, repeating: 0xa5, count: 1_000)
            free(memory)
            return UnsafeRawBufferPointer(start: memory, count: 1_000).count { $0 == 0xa5 }
        }
    }

    @Test(arguments: [("malloc", "free"), ("_Znwm", "_ZdlPv"), ("_Znam", "_ZdaPv")])
    func `What this thread gives back is overwritten, by C and by C++; elsewhere it is not`(pair: (String, String))
        throws
    {
        try #require(dtm_wipes_freed_memory() == 1)
        #expect(try left(by: pair.0, pair.1, on: { try ProtectedThread.run($0) }) == 0)
        #expect(try left(by: pair.0, pair.1, on: { try $0() }) > 900)
    }

    @Test func `Memory that grows takes its content along and leaves nothing at the old place`() throws {
        let (old, content) = try ProtectedThread.run {
            let memory = try #require(malloc(1_000))
            memory.initializeMemory(as: UInt8.self, repeating: 0xa5, count: 1_000)
            // Something behind it, so that it has to move.
            let next = malloc(1_000)
            let grown = try #require(realloc(memory, 100_000))
            defer {
                free(grown)
                free(next)
            }
            return (
                UnsafeRawBufferPointer(start: memory, count: 1_000).count { $0 == 0xa5 },
                UnsafeRawBufferPointer(start: grown, count: 1_000).count { $0 == 0xa5 }
            )
        }
        #expect(old == 0 && content == 1_000)
    }

    @Test func `Shrinking, freeing by realloc and growing from nothing behave as they should`() throws {
        let outcomes = try ProtectedThread.run {
            let memory = try #require(realloc(nil, 64))
            memory.initializeMemory(as: UInt8.self, repeating: 7, count: 64)
            let smaller = try #require(realloc(memory, 8))
            let kept = UnsafeRawBufferPointer(start: smaller, count: 8).allSatisfy { $0 == 7 }
            return [kept, realloc(smaller, 0) == nil]
        }
        #expect(outcomes == [true, true])
    }

    @Test func `The stack of such a thread is not swapped, not dumped, and gone afterwards`() throws {
        let (place, flags) = try ProtectedThread.run {
            try withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { frame in
                frame.initializeMemory(as: UInt8.self, repeating: 1)
                let place = UInt(bitPattern: frame.baseAddress)
                return (place, try #require(mappingFlags(of: place)))
            }
        }
        #expect(flags.contains("dd"))
        #expect(place != 0)
    }

    /// `VmFlags` of proc_pid_smaps(5).
    private func mappingFlags(of address: UInt) -> Set<Substring>? {
        guard let file = fopen("/proc/self/smaps", "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 8_192)
        var isIn = false
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let words = text.split(whereSeparator: \.isWhitespace)
            let bounds = words.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
            if bounds.count == 2 { isIn = bounds[0] <= address && address < bounds[1] }
            if isIn, words.first == "VmFlags:" { return Set(words.dropFirst()) }
        }
        return nil
    }
}
