import Glibc

/// Looks for bytes in all of this process's memory that can be read, as a core dump of everything would hold it.
public enum MemoryScan {
    /// Where the bytes stand, in their order or the other way round: BoringSSL and Botan hold numbers with the least significant
    /// byte first.
    public static func addresses(of needle: UnsafeRawBufferPointer) -> [UInt] {
        // A buffer of its own mapping, so that what was read is not found again.
        let size = 1 << 20
        guard let buffer = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            buffer != MAP_FAILED
        else { return [] }
        defer { munmap(buffer, size) }
        let own = UInt(bitPattern: buffer)..<(UInt(bitPattern: buffer) + UInt(size))
        let memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC)
        defer { close(memory) }
        var found: Set<UInt> = []
        for range in readableRanges() {
            var place = range.lowerBound
            while place < range.upperBound {
                // The kernel may have put it beside another mapping, as one.
                if own.contains(place) {
                    place = own.upperBound
                    continue
                }
                let end = place < own.lowerBound ? min(range.upperBound, own.lowerBound) : range.upperBound
                let wanted = min(size, Int(end - place))
                let count = pread(memory, buffer, wanted, off_t(place))
                guard count >= needle.count else { break }
                for offset in offsets(of: needle, in: UnsafeRawBufferPointer(start: buffer, count: count)) {
                    found.insert(place + offset)
                }
                // Pieces overlap, so that nothing is missed between two of them.
                place += UInt(count == size ? size - needle.count : count)
            }
        }
        return found.sorted()
    }

    /// Runs `body` below `depth` frames of a kilobyte: the search must not overwrite by itself what was left there.
    @inline(never)
    public static func atDepth<Value>(_ depth: Int = 100, _ body: () throws -> Value) rethrows -> Value {
        try withUnsafeTemporaryAllocation(byteCount: 1_000, alignment: 8) { frame in
            frame.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: depth))
            return depth == 0 ? try body() : try atDepth(depth - 1, body)
        }
    }

    /// Looks for one byte of the needle and compares around it: byte by byte, because `memcmp` would leave the needle in vector
    /// registers, which the dynamic linker saves on the stack.
    private static func offsets(of needle: UnsafeRawBufferPointer, in haystack: UnsafeRawBufferPointer) -> [UInt] {
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
                var index = 0
                while index <= last, haystack[start + (isReversed ? last - index : index)] == needle[index] {
                    index += 1
                }
                if index > last { found.append(UInt(start)) }
            }
        }
        return found
    }

    /// What this process maps privately and can read: heap, stacks, data.
    private static func readableRanges() -> [Range<UInt>] {
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
