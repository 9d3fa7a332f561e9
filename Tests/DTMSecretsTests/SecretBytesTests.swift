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

    @Test func `A prefix is a secret of its own, and no longer than what it is of`() throws {
        let held = try secret([1, 2, 3, 4])
        #expect(copy(try held.prefix(3)) == [1, 2, 3])
        #expect(copy(try held.prefix(4)) == [1, 2, 3, 4])
        for length in [5, 0, -1] { #expect(throws: SecretsError.self) { _ = try held.prefix(length) } }
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
    private static let long = 8_192

    /// Memory of this process, the kernel's objections aside: `/proc/self/mem` refuses secret memory.
    private func bytes(at address: UInt, count: Int) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count))
    }

    @Test(arguments: [32, long])
    func `Open secrets lie in pages that are neither dumped, swapped nor inherited, between guard pages`(
        count: Int
    ) throws {
        let held = try SecretBytes(randomCount: count)
        let place = address(of: held)
        let mappings = ProcessMemory.mappings()
        let own = try #require(mappings.first { $0.range.contains(place) })
        #expect(own.flags.isSuperset(of: ["lo", "dd", "dc"]))
        #expect(mappings.first { $0.range.contains(own.range.lowerBound - 1) }?.permissions == "---p")
        #expect(mappings.first { $0.range.contains(own.range.upperBound) }?.permissions == "---p")
        // A long one stays where it is and is never written again.
        if count == Self.long { #expect(own.permissions.hasPrefix("r--")) }
        #expect(MemoryProtection.violations() == [])
        #expect(held.count == count)
    }

    @Test func `The kernel can't read secret memory, where it gives some`() throws {
        guard try MemoryProtection.begin(.prefer).backing == .secret else { return }
        let held = try SecretBytes(randomCount: Self.long)
        #expect(ProcessMemory.bytes(at: address(of: held), count: 32) == nil)
        let ordinary = [UInt8](repeating: 7, count: 32)
        let control = ordinary.withUnsafeBytes {
            ProcessMemory.bytes(at: UInt(bitPattern: $0.baseAddress), count: 32)
        }
        #expect(control == ordinary)
    }

    @Test func `A short secret is open while it is lent, and not before and after`() throws {
        let held = try SecretBytes(randomCount: 32)
        var place: UInt = 0
        let lent = held.withBytes { span in
            span.withUnsafeBytes { buffer in
                place = UInt(bitPattern: buffer.baseAddress)
                return bytes(at: place, count: 32)
            }
        }
        #expect(lent == copy(held))
        // Another test may use the slot at once, but not with these bytes.
        #expect(bytes(at: place, count: 32) != lent)
    }

    @Test func `A secret that is lent twice at the same time is not mixed up`() throws {
        let one = try SecretBytes(randomCount: 32)
        let other = try SecretBytes(randomCount: 32)
        let (first, second) = (copy(one), copy(other))
        one.withBytes { one in
            other.withBytes { other in
                #expect(one.withUnsafeBytes { Array($0) } == first)
                #expect(other.withUnsafeBytes { Array($0) } == second)
            }
        }
    }

    @Test func `When filling fails, the error comes out and the bytes are gone`() throws {
        var place: UInt = 0
        var written: [UInt8] = []
        #expect(throws: FillFailed.self) {
            _ = try SecretBytes(count: 32) { buffer in
                randombytes_buf(try #require(buffer.baseAddress), 32)
                place = UInt(bitPattern: buffer.baseAddress)
                written = Array(buffer)
                throw FillFailed()
            }
        }
        #expect(place != 0 && written.contains { $0 != 0 })
        #expect(bytes(at: place, count: 32) != written)
    }

    @Test func `Many threads use more secrets than there are slots`() async throws {
        let secrets = try (0..<64).map { index in
            SharedSecret(try SecretBytes(count: 64) { $0.copyBytes(from: [UInt8](repeating: UInt8(index), count: 64)) })
        }
        let wrong = await withTaskGroup(of: Int.self) { group in
            for turn in 0..<512 {
                group.addTask {
                    let index = turn % secrets.count
                    return copy(secrets[index].bytes).allSatisfy { $0 == UInt8(index) } ? 0 : 1
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
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
