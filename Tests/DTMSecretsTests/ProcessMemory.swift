import Glibc

/// The process's own memory as the kernel sees it (`proc_pid_smaps(5)`, `proc_pid_mem(5)`).
enum ProcessMemory {
    struct Mapping {
        let range: Range<UInt>
        /// As `rw-p`.
        let permissions: Substring
        /// As `lo dd`: locked, left out of core dumps.
        let flags: Set<Substring>
    }

    static func mappings() -> [Mapping] {
        let text = contents(of: "/proc/self/smaps")
        var mappings: [Mapping] = []
        var header: (Range<UInt>, Substring)?
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            if let range = words.first.flatMap(range), words.count >= 5 {
                header = (range, words[1])
            } else if words.first == "VmFlags:", let (range, permissions) = header {
                mappings.append(
                    Mapping(range: range, permissions: permissions, flags: Set(words.dropFirst())))
            }
        }
        return mappings
    }

    static func mapping(of address: UInt) -> Mapping? {
        mappings().first { $0.range.contains(address) }
    }

    /// Nil when the address is not mapped.
    static func bytes(at address: UInt, count: Int) -> [UInt8]? {
        let descriptor = open("/proc/self/mem", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: count)
        let read = pread(descriptor, &bytes, count, off_t(address))
        return read == count ? bytes : nil
    }

    private static func range(_ text: Substring) -> Range<UInt>? {
        let parts = text.split(separator: "-")
        guard parts.count == 2, let low = UInt(parts[0], radix: 16), let high = UInt(parts[1], radix: 16), low < high
        else { return nil }
        return low..<high
    }

    private static func contents(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: all, as: UTF8.self) }
            all += chunk[..<count]
        }
    }
}
