import Glibc

/// Reads what the kernel says about mappings (`proc_pid_smaps(5)`).
enum ProtectionCheck {
    struct Mapping {
        var range: Range<UInt>
        /// As `rw-s`.
        var permissions: Substring
        var flags: Set<Substring>
    }

    /// Nil when the table can't be read.
    static func violations(
        of ranges: [(range: Range<UInt>, backing: MemoryProtection.Backing)], table: () -> String? = readTable
    ) -> [String]? {
        guard let text = table() else { return nil }
        let mappings = mappings(text)
        return ranges.flatMap { range, backing in violations(range, backing, mappings) }
    }

    private static func violations(
        _ range: Range<UInt>, _ backing: MemoryProtection.Backing, _ mappings: [Mapping]
    ) -> [String] {
        let own = mappings.filter { $0.range.overlaps(range) }
        guard let first = own.first, let last = own.last, first.range.lowerBound <= range.lowerBound,
            last.range.upperBound >= range.upperBound
        else { return ["protected memory is no longer mapped"] }
        var missing: [String] = []
        let name = "\(backing.rawValue) memory"
        // memfd_secret counts as locked; "dd": not dumped; "dc": not copied to children.
        if own.contains(where: { !$0.flags.contains("lo") && !$0.flags.contains("dd") }) {
            missing.append("\(name) may be dumped or swapped")
        } else if backing == .locked, own.contains(where: { !$0.flags.contains("lo") || !$0.flags.contains("dd") }) {
            missing.append("\(name) is no longer locked and left out of core dumps")
        }
        if own.contains(where: { !$0.flags.contains("dc") }) { missing.append("\(name) would be copied to a child") }
        let before = mappings.first { $0.range.contains(range.lowerBound - 1) }
        let after = mappings.first { $0.range.contains(range.upperBound) }
        for guardPage in [before, after] where guardPage.map({ !$0.permissions.hasPrefix("---") }) ?? false {
            missing.append("a guard page of \(name) can be touched")
        }
        return missing
    }

    static func mappings(_ text: String) -> [Mapping] {
        var mappings: [Mapping] = []
        var header: (Range<UInt>, Substring)?
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            if words.count >= 5, let range = words.first.flatMap(range) {
                header = (range, words[1])
            } else if words.first == "VmFlags:", let (range, permissions) = header {
                mappings.append(Mapping(range: range, permissions: permissions, flags: Set(words.dropFirst())))
            }
        }
        return mappings
    }

    private static func range(_ text: Substring) -> Range<UInt>? {
        let parts = text.split(separator: "-")
        guard parts.count == 2, let low = UInt(parts[0], radix: 16), let high = UInt(parts[1], radix: 16), low < high
        else { return nil }
        return low..<high
    }

    @Sendable private static func readTable() -> String? {
        let descriptor = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while all.count < 1 << 26 {
            let count = read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { return nil }
            if count == 0 { return String(decoding: all, as: UTF8.self) }
            all += chunk[..<count]
        }
        return nil
    }
}
