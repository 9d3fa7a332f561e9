import CSodium
import DTMSecrets
import Glibc
import Testing

private struct FillFailed: Error {}

private func secret(_ bytes: [UInt8]) throws -> SecretBytes {
    try SecretBytes(count: bytes.count) { $0.copyBytes(from: bytes) }
}

private func copy(_ secret: borrowing SecretBytes) -> [UInt8] {
    secret.withBytes { span in span.withUnsafeBytes { Array($0) } }
}

private func address(of secret: borrowing SecretBytes) -> UInt {
    secret.withBytes { span in span.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
}

@Suite struct SecretBytesTests {
    @Test(arguments: [0, -1, SecretBytes.maximumCount + 1, .max, .min])
    func `A length out of bounds is refused before anything is filled`(count: Int) {
        #expect(throws: SecretsError.self) {
            _ = try SecretBytes(count: count) { _ in Issue.record("filled") }
        }
    }

    @Test(arguments: [1, 15, 16, 32, 4_080, 4_096, 4_097, SecretBytes.maximumCount])
    func `What was written is lent, and nothing more`(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
        let held = try secret(bytes)
        #expect(held.count == count)
        let lent = copy(held)
        #expect(lent == bytes)
    }

    @Test func `Bytes that are not filled are zeros`() throws {
        let lent = copy(try SecretBytes(count: 40) { $0[3] = 9 })
        #expect(lent == [0, 0, 0, 9] + [UInt8](repeating: 0, count: 36))
    }

    @Test func `Random secrets differ`() throws {
        let one = try SecretBytes(randomCount: 32)
        let other = try SecretBytes(randomCount: 32)
        let same = one.isEqual(to: other)
        #expect(!same)
    }

    @Test func `Secrets are equal when all bytes are, and not when one bit or the length differs`() throws {
        let bytes = (0..<32).map { UInt8($0) }
        func isEqual(to other: [UInt8]) throws -> Bool {
            let other = try secret(other)
            return try secret(bytes).isEqual(to: other)
        }
        #expect(try isEqual(to: bytes))
        for bit in 0..<256 {
            var other = bytes
            other[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try !isEqual(to: other))
        }
        #expect(try !isEqual(to: Array(bytes.dropLast())))
        #expect(try !isEqual(to: bytes + [0]))
    }

    @Test func `An error in the body comes out as it went in`() throws {
        let held = try SecretBytes(randomCount: 1)
        #expect(throws: FillFailed.self) {
            try held.withBytes { _ throws(FillFailed) in throw FillFailed() }
        }
    }

    @Test func `A shared secret outlives the owners that let go of it`() throws {
        var first: SharedSecret? = SharedSecret(try secret([1, 2, 3]))
        let second = first
        first = nil
        #expect(second.map { copy($0.bytes) } == [1, 2, 3])
    }
}

@Suite struct SecretMemoryTests {
    @Test func `A secret's pages are locked, read-only, left out of core dumps and between guard pages`() throws {
        let held = try SecretBytes(randomCount: 32)
        let place = address(of: held)
        let mappings = ProcessMemory.mappings()
        let own = try #require(mappings.first { $0.range.contains(place) })
        #expect(own.permissions == "r--p")
        #expect(own.flags.isSuperset(of: ["lo", "dd"]))
        #expect(mappings.first { $0.range.contains(own.range.lowerBound - 1) }?.permissions == "---p")
        #expect(mappings.first { $0.range.contains(own.range.upperBound) }?.permissions == "---p")
        // Keeps the value alive up to here.
        #expect(held.count == 32)
    }

    /// Another test may get the same address at once, but not with these bytes on it.
    @Test func `When a secret ends, its bytes are gone from where they were`() throws {
        let (place, bytes) = try { () throws -> (UInt, [UInt8]) in
            let held = try SecretBytes(randomCount: 32)
            let place = address(of: held)
            let bytes = copy(held)
            #expect(ProcessMemory.bytes(at: place, count: 32) == bytes)
            return (place, bytes)
        }()
        #expect(ProcessMemory.bytes(at: place, count: 32) != bytes)
    }

    @Test func `When filling fails, the error comes out and the bytes are gone`() throws {
        var place: UInt = 0
        var bytes: [UInt8] = []
        #expect(throws: FillFailed.self) {
            _ = try SecretBytes(count: 32) { buffer in
                randombytes_buf(try #require(buffer.baseAddress), 32)
                place = UInt(bitPattern: buffer.baseAddress)
                bytes = Array(buffer)
                throw FillFailed()
            }
        }
        #expect(place != 0 && bytes.contains { $0 != 0 })
        #expect(ProcessMemory.bytes(at: place, count: 32) != bytes)
    }

    @Test func `Ten thousand secrets one after another leave no locked memory behind`() throws {
        for _ in 0..<10_000 { _ = try SecretBytes(randomCount: 32) }
        let locked = ProcessMemory.mappings().filter { $0.flags.contains("lo") }
        // Other tests hold a few at the same time; ten thousand would be 40 MB.
        #expect(locked.map(\.range.count).reduce(0, +) < 8 << 20)
    }
}

@Suite struct DeadStackTests {
    /// Leaves its argument on the stack, this many kilobytes below the caller; returns where.
    @inline(never)
    private func leave(_ marker: UInt64, atDepth depth: Int) -> UInt {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 125) { frame in
            frame.initialize(repeating: depth == 0 ? marker : 0)
            return depth == 0 ? UInt(bitPattern: frame.baseAddress) : leave(marker, atDepth: depth - 1)
        }
    }

    private func word(at address: UInt) -> [UInt8]? { ProcessMemory.bytes(at: address + 800, count: 8) }

    @Test func `What a function left below is overwritten`() {
        let marker = UInt64.random(in: 1 ... .max)
        let expected = withUnsafeBytes(of: marker) { Array($0) }
        let place = leave(marker, atDepth: 30)
        #expect(word(at: place) == expected)
        DeadStack.wipe()
        #expect(word(at: place) == [UInt8](repeating: 0, count: 8))
    }
}
