import DTMCore
import DTMSecrets
import Glibc
import Testing

@testable import DTMCertificates

/// Looks for a private key in all writable memory of the process, as a core dump would hold it.
@Suite struct KeyResidueTests {
    @Test func `After signing, the private key is in no memory that a dump would hold`() throws {
        // Deep in the stack, so that the search does not overwrite by itself what was left there.
        let key = try atDepth(100) { try SigningKey.generate() }
        for number in 0..<20 { _ = try atDepth(100) { try key.signature(over: [UInt8(number)]) } }
        let planted = UnsafeMutableRawBufferPointer.allocate(byteCount: SigningKey.scalarBytes, alignment: 16)
        defer { planted.deallocate() }
        let place = UInt(bitPattern: planted.baseAddress)
        // The check can fail: it finds a copy that somebody made.
        #expect(search(for: key, plantingAt: planted) == [place])
        planted.initializeMemory(as: UInt8.self, repeating: 0)
        #expect(search(for: key, plantingAt: nil).filter { !lending.contains($0) } == [])
    }

    /// The pages in which a key lies open while it is lent, where the kernel gives no secret memory.
    private var lending: Range<UInt> {
        guard MemoryProtection.status?.backing == .locked else { return 0..<0 }
        return (try? SecretBytes(randomCount: 1))?.withBytes { span in
            span.withUnsafeBytes {
                let place = UInt(bitPattern: $0.baseAddress)
                return place - min(place, 1 << 17)..<place + 1 << 17
            }
        } ?? 0..<0
    }

    private func search(for key: SigningKey, plantingAt place: UnsafeMutableRawBufferPointer?) -> [UInt] {
        key.scalar.withBytes { span in
            span.withUnsafeBytes { bytes in
                if let place { for index in bytes.indices { place[index] = bytes[index] } }
                return addresses(of: bytes)
            }
        }
    }

    /// Runs `body` below this many frames of a kilobyte.
    @inline(never)
    private func atDepth<Value>(_ depth: Int, _ body: () throws -> Value) throws -> Value {
        try withUnsafeTemporaryAllocation(byteCount: 1_000, alignment: 8) { frame in
            frame.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: depth))
            return depth == 0 ? try body() : try atDepth(depth - 1, body)
        }
    }

    /// Where the bytes are, in their order or the other way round: BoringSSL holds numbers with the least significant
    /// first.
    private func addresses(of needle: UnsafeRawBufferPointer) -> [UInt] {
        // A buffer of its own mapping, so that what was read is not found again.
        let size = 1 << 20
        guard let buffer = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            buffer != MAP_FAILED
        else { return [] }
        defer { munmap(buffer, size) }
        let own = UInt(bitPattern: buffer)..<(UInt(bitPattern: buffer) + UInt(size))
        let memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC)
        defer { close(memory) }
        var found: [UInt] = []
        for range in readableRanges() where !range.overlaps(own) {
            var place = range.lowerBound
            while place < range.upperBound {
                let wanted = min(size, Int(range.upperBound - place))
                let count = pread(memory, buffer, wanted, off_t(place))
                guard count >= needle.count else { break }
                found += offsets(of: needle, in: UnsafeRawBufferPointer(start: buffer, count: count)).map { place + $0 }
                // Pieces overlap, so that nothing is missed between two of them.
                place += UInt(count == wanted && wanted == size ? size - needle.count : count)
            }
        }
        return Set(found).sorted()
    }

    /// Looks for one byte of the needle that is rare in memory, and compares around it: byte by byte, because `memcmp`
    /// would leave the needle in vector registers, which the dynamic linker saves on the stack.
    private func offsets(of needle: UnsafeRawBufferPointer, in haystack: UnsafeRawBufferPointer) -> [UInt] {
        guard let base = haystack.baseAddress, let rare = needle.firstIndex(where: { $0 != 0 && $0 != 0xff }) else {
            return []
        }
        let last = needle.count - 1
        var found: [UInt] = []
        var place = 0
        while place < haystack.count, let hit = memchr(base + place, Int32(needle[rare]), haystack.count - place) {
            place = UnsafeRawPointer(hit) - base + 1
            for (start, isReversed) in [(place - 1 - rare, false), (place - 1 - (last - rare), true)]
            where start >= 0 && start + needle.count <= haystack.count {
                if needle.indices.allSatisfy({ haystack[start + (isReversed ? last - $0 : $0)] == needle[$0] }) {
                    found.append(UInt(start))
                }
            }
        }
        return found
    }

    /// What this process maps privately and can read: heap, stacks, data.
    private func readableRanges() -> [Range<UInt>] {
        guard let file = fopen("/proc/self/maps", "re") else { return [] }
        defer { fclose(file) }
        var ranges: [Range<UInt>] = []
        var line = [CChar](repeating: 0, count: 8_192)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let words = text.split(separator: " ", omittingEmptySubsequences: true)
            guard words.count >= 5, words[1].hasPrefix("r"), words[1].hasSuffix("p"), !text.contains("[v") else {
                continue
            }
            let bounds = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            if words[4] == "0" || words[1].hasPrefix("rw"), bounds.count == 2, bounds[0] < bounds[1] {
                ranges.append(bounds[0]..<bounds[1])
            }
        }
        return ranges
    }
}
