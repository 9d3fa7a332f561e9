import DTMPlan
import Glibc

/// How often the bytes stand in this process's memory, by `/proc/self/mem` (`proc(5)`).
///
/// The buffer for reading is a mapping of its own and is passed over.
func occurrencesInOwnMemory(of needle: borrowing RawSpan) throws -> Int {
    let chunk = 1 << 20
    let buffer = mmap(nil, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let buffer, buffer != MAP_FAILED else { throw PlanTestError.noSocket }
    defer { munmap(buffer, chunk) }
    let memory = OwnedDescriptor(adopting: open("/proc/self/mem", O_RDONLY | O_CLOEXEC))
    var found = 0
    let own = UInt(bitPattern: buffer)..<UInt(bitPattern: buffer) + UInt(chunk)
    for range in try dataMappings().flatMap({ pieces(of: $0, without: own) }) {
        var address = range.lowerBound
        while address < range.upperBound {
            let count = pread(memory.number, buffer, min(chunk, Int(range.upperBound - address)), off_t(address))
            guard count > 0 else { break }
            found += occurrences(of: needle, in: UnsafeRawBufferPointer(start: buffer, count: count))
            // The next chunk starts early, so that nothing is missed between two.
            address += UInt(max(1, count < chunk ? count : count - needle.byteCount + 1))
        }
    }
    return found
}

/// The kernel reports neighbours as one mapping.
private func pieces(of range: Range<UInt>, without hole: Range<UInt>) -> [Range<UInt>] {
    guard range.overlaps(hole) else { return [range] }
    return [
        range.lowerBound..<max(range.lowerBound, hole.lowerBound),
        min(range.upperBound, hole.upperBound)..<range.upperBound,
    ].filter { !$0.isEmpty }
}

/// Compares byte by byte, not by memcmp(3): that loads the whole needle into a vector register, from where a lazily
/// bound call spills it onto the stack, and the search would find its own copy.
private func occurrences(of needle: borrowing RawSpan, in haystack: UnsafeRawBufferPointer) -> Int {
    needle.withUnsafeBytes { needle in
        guard var base = haystack.baseAddress, let first = needle.first else { return 0 }
        var count = 0
        var left = haystack.count
        while left >= needle.count, let hit = memchr(base, CInt(first), left - needle.count + 1) {
            if needle.indices.allSatisfy({ hit.load(fromByteOffset: $0, as: UInt8.self) == needle[$0] }) { count += 1 }
            let passed = UnsafeRawPointer(hit) - base + 1
            base += passed
            left -= passed
        }
        return count
    }
}

/// The mappings that may hold data of this process: all that are readable, but for libraries.
private func dataMappings() throws -> [Range<UInt>] {
    let file = OwnedDescriptor(adopting: open("/proc/self/maps", O_RDONLY | O_CLOEXEC))
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = read(file.number, &part, part.count), count > 0 { text += part[..<count] }
    return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line in
        let fields = line.split(separator: " ")
        let bounds = fields.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
        // Terabytes are what a sanitizer reserves, not what anybody keeps data in.
        guard bounds.count == 2, bounds[0] < bounds[1], bounds[1] - bounds[0] < 1 << 33,
            fields.count > 1, fields[1].hasPrefix("r"),
            !line.hasSuffix("[vvar]"), !line.hasSuffix("[vsyscall]"), !line.contains(".so")
        else { return nil }
        return bounds[0]..<bounds[1]
    }
}
