import DTMSecrets
import Glibc

@testable import DTMState

/// Looks for secrets in all of this process's memory that can be read, as a core dump of everything would hold it.
enum MemoryScan {
    /// How often the bytes stand somewhere, in their order or the other way round, not counting where `holders` keep them.
    static func copies(of needle: UnsafeRawBufferPointer, besides holders: [SharedSecret]) -> Int {
        let places = holders.map { holder in
            holder.bytes.withBytes { span in
                span.withUnsafeBytes {
                    UInt(bitPattern: $0.baseAddress)..<UInt(bitPattern: $0.baseAddress) + UInt($0.count)
                }
            }
        }
        return addresses(of: needle).filter { address in !places.contains { $0.contains(address) } }.count
    }

    static func copies(of secret: SharedSecret, besides holders: [SharedSecret] = []) -> Int {
        secret.bytes.withBytes { span in
            span.withUnsafeBytes { copies(of: $0, besides: holders + [secret]) }
        }
    }

    private static func addresses(of needle: UnsafeRawBufferPointer) -> [UInt] {
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

/// The secret numbers of a key pair, lent where they lie.
enum SecretNumbers {
    /// The EdDSA seed and the ECDH scalar.
    static func withEach(of key: OpenPGPKeyPair, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try key.secretKey.bytes.withBytes { span in
            try span.withUnsafeBytes { bytes in
                var reader = OpenPGPPacketReader(bytes)
                while let packet = try reader.next() {
                    guard [OpenPGPPacket.Tag.secretKey, OpenPGPPacket.Tag.secretSubkey].contains(packet.tag) else {
                        continue
                    }
                    try body(number(in: packet.body))
                }
            }
        }
    }

    /// RFC 4880, 5.5.3, and RFC 6637, 9: version, time, algorithm, curve, point, for ECDH a key derivation, 0, number, checksum.
    private static func number(in body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var place = 6
        place += 1 + Int(body[place])
        place += 2 + (Int(body[place]) << 8 + Int(body[place + 1]) + 7) / 8
        if body[5] == 18 { place += 1 + Int(body[place]) }
        place += 1
        let count = (Int(body[place]) << 8 + Int(body[place + 1]) + 7) / 8
        return UnsafeRawBufferPointer(rebasing: body[(place + 2)..<(place + 2 + count)])
    }
}
