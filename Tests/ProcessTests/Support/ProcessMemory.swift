import CDTMTestSupport
import Glibc
import Testing

/// Searches another process's memory, by `/proc/PID/mem` (`proc(5)`), and files.
enum ProcessMemory {
    private static let chunk = 1 << 20

    /// How often each needle stands in the process's memory, as far as the kernel shows it.
    static func occurrences(of needles: [[UInt8]], in pid: pid_t) throws -> [Int] {
        let memory = try open(pid)
        defer { close(memory) }
        return sum(needles, try ranges(of: pid).map { occurrences(of: needles, memory, $0) })
    }

    /// A dump of all of it, what is left out of ordinary ones as well.
    static func dump(_ pid: pid_t, _ directory: TestDirectory) throws -> String {
        let prefix = directory.file("core")
        let outcome = try run("gcore", ["-a", "-o", prefix, "\(pid)"], in: directory, limit: .seconds(120))
        try #require(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
        return "\(prefix).\(pid)"
    }

    /// A copy of what it can have written, to be searched while the process goes on.
    static func image(of pid: pid_t) throws -> [[UInt8]] {
        let memory = try open(pid)
        defer { close(memory) }
        return try ranges(of: pid, writable: true).map { range in
            [UInt8](unsafeUninitializedCapacity: Int(range.upperBound - range.lowerBound)) { buffer, count in
                count = max(
                    0, pread(memory, buffer.baseAddress, buffer.count, off_t(Int(bitPattern: range.lowerBound))))
            }
        }
    }

    static func occurrences(of needles: [[UInt8]], inImage image: [[UInt8]]) -> [Int] {
        let search = NeedleSearch(needles)
        var counts = needles.map { _ in 0 }
        for part in image { search.add(to: &counts, part, part.count, startingBefore: part.count) }
        return counts
    }

    private static func open(_ pid: pid_t) throws -> CInt {
        let memory = Glibc.open("/proc/\(pid)/mem", O_RDONLY | O_CLOEXEC)
        try #require(memory >= 0, "/proc/\(pid)/mem: errno \(errno)")
        return memory
    }

    private static func ranges(of pid: pid_t, writable: Bool = false) throws -> [Range<UInt>] {
        let mapped = text(of: "/proc/\(pid)/maps").split(separator: "\n").compactMap { line -> Range<UInt>? in
            let fields = line.split(separator: " ")
            let bounds = fields.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
            guard bounds.count == 2, bounds[0] < bounds[1], !line.hasSuffix("[vvar]"), !line.hasSuffix("[vsyscall]"),
                !writable || fields[1].hasPrefix("rw")
            else {
                return nil
            }
            return bounds[0]..<bounds[1]
        }
        try #require(!mapped.isEmpty)
        return mapped.flatMap { inUse($0, of: pid) }
    }

    /// The pages of a mapping that were ever touched (`proc_pid_pagemap(5)`): most of what a process reserves was not.
    private static func inUse(_ range: Range<UInt>, of pid: pid_t) -> [Range<UInt>] {
        let page = UInt(4_096)
        let table = Glibc.open("/proc/\(pid)/pagemap", O_RDONLY | O_CLOEXEC)
        guard table >= 0 else { return [range] }
        defer { close(table) }
        var entries = [UInt64](repeating: 0, count: Int((range.upperBound - range.lowerBound) / page))
        let wanted = entries.count * 8
        guard pread(table, &entries, wanted, off_t(range.lowerBound / page * 8)) == wanted else { return [range] }
        var found: [Range<UInt>] = []
        // In memory, or swapped out.
        for (index, entry) in entries.enumerated() where entry >> 62 != 0 {
            let start = range.lowerBound + UInt(index) * page
            if let last = found.last, last.upperBound == start {
                found[found.count - 1] = last.lowerBound..<start + page
            } else {
                found.append(start..<start + page)
            }
        }
        return found
    }

    static func occurrences(of needles: [[UInt8]], inFile path: String) throws -> [Int] {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        try #require(file >= 0, "\(path): errno \(errno)")
        defer { close(file) }
        let size = lseek(file, 0, SEEK_END)
        try #require(size > 0)
        return occurrences(of: needles, file, 0..<UInt(size))
    }

    private static func sum(_ needles: [[UInt8]], _ counts: [[Int]]) -> [Int] {
        needles.indices.map { index in counts.reduce(0) { $0 + $1[index] } }
    }

    /// Chunks overlap by the longest needle but one byte, so that nothing is missed between two. What begins in the overlap
    /// is counted with the second.
    private static func occurrences(of needles: [[UInt8]], _ file: CInt, _ range: Range<UInt>) -> [Int] {
        var counts = needles.map { _ in 0 }
        let search = NeedleSearch(needles)
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
            let isLast = count < chunk || UInt(count) <= overlap
            let step = isLast ? UInt(count) : UInt(count) - overlap
            search.add(to: &counts, buffer, count, startingBefore: Int(step))
            address += step
        }
        return counts
    }
}

/// Needles, laid out for the search.
private struct NeedleSearch {
    private let bytes: [UInt8]
    private let lengths: [Int]

    init(_ needles: [[UInt8]]) {
        bytes = needles.flatMap(\.self)
        lengths = needles.map(\.count)
    }

    func add(to counts: inout [Int], _ buffer: [UInt8], _ length: Int, startingBefore end: Int) {
        dtm_test_count(buffer, length, end, bytes, lengths, lengths.count, &counts)
    }
}
