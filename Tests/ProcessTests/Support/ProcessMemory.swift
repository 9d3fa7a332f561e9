import Glibc
import Testing

/// Searches another process's memory, by `/proc/PID/mem` (`proc(5)`), and files.
enum ProcessMemory {
    private static let chunk = 1 << 20

    /// How often each needle stands in the process's memory, as far as the kernel shows it.
    static func occurrences(of needles: [[UInt8]], in pid: pid_t) throws -> [Int] {
        let memory = open("/proc/\(pid)/mem", O_RDONLY | O_CLOEXEC)
        try #require(memory >= 0, "/proc/\(pid)/mem: errno \(errno)")
        defer { close(memory) }
        let ranges = text(of: "/proc/\(pid)/maps").split(separator: "\n").compactMap { line -> Range<UInt>? in
            let fields = line.split(separator: " ")
            let bounds = fields.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
            guard bounds.count == 2, bounds[0] < bounds[1], !line.hasSuffix("[vvar]"), !line.hasSuffix("[vsyscall]")
            else {
                return nil
            }
            return bounds[0]..<bounds[1]
        }
        try #require(!ranges.isEmpty)
        return sum(needles, ranges.map { occurrences(of: needles, memory, $0) })
    }

    static func occurrences(of needles: [[UInt8]], inFile path: String) throws -> [Int] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        try #require(file >= 0, "\(path): errno \(errno)")
        defer { close(file) }
        let size = lseek(file, 0, SEEK_END)
        try #require(size > 0)
        return occurrences(of: needles, file, 0..<UInt(size))
    }

    private static func sum(_ needles: [[UInt8]], _ counts: [[Int]]) -> [Int] {
        needles.indices.map { index in counts.reduce(0) { $0 + $1[index] } }
    }

    /// Chunks overlap by the longest needle but one byte, so that nothing is missed between two; what stands in the
    /// overlap may be counted twice.
    private static func occurrences(of needles: [[UInt8]], _ file: CInt, _ range: Range<UInt>) -> [Int] {
        var counts = needles.map { _ in 0 }
        let overlap = UInt(max(0, (needles.map(\.count).max() ?? 1) - 1))
        var buffer = [UInt8](repeating: 0, count: chunk)
        var address = range.lowerBound
        while address < range.upperBound {
            let count = pread(
                file, &buffer, min(chunk, Int(range.upperBound - address)), off_t(Int(bitPattern: address)))
            // Protected memory answers with EIO: on with the next page, in case the rest of the mapping does not.
            guard count > 0 else {
                address += 4_096
                continue
            }
            buffer.withUnsafeBytes { bytes in
                let part = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                for (index, needle) in needles.enumerated() { counts[index] += occurrences(of: needle, in: part) }
            }
            address += count < chunk || UInt(count) <= overlap ? UInt(count) : UInt(count) - overlap
        }
        return counts
    }

    private static func occurrences(of needle: [UInt8], in haystack: UnsafeRawBufferPointer) -> Int {
        guard var place = haystack.baseAddress, let first = needle.first else { return 0 }
        let end = place + haystack.count
        var count = 0
        while end - place >= needle.count, let hit = memchr(place, CInt(first), end - place - needle.count + 1) {
            if memcmp(hit, needle, needle.count) == 0 { count += 1 }
            place = UnsafeRawPointer(hit) + 1
        }
        return count
    }
}
