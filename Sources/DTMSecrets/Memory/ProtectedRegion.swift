import CDTMLinux
import Glibc

/// Whole pages of protected memory between guard pages, for one owner. Overwritten and given back with the value, and
/// when the process ends.
final class ProtectedRegion {
    let base: UnsafeMutableRawPointer
    /// In bytes, whole pages.
    let count: Int
    let backing: MemoryProtection.Backing

    /// - Throws: ``SecretsError`` when the kernel does not give that.
    init(atLeast bytes: Int, _ backing: MemoryProtection.Backing) throws(SecretsError) {
        let page = max(4_096, sysconf(Int32(_SC_PAGESIZE)))
        let count = (max(1, bytes) + page - 1) / page * page
        var code: Int32 = 0
        guard let base = dtm_protected_map(count, backing.kind, &code) else {
            throw .mapping(backing, count, code)
        }
        // When more are registered than there is room for, the rest is wiped by its owner alone.
        _ = dtm_wipe_at_end(base, count)
        self.base = base
        self.count = count
        self.backing = backing
    }

    deinit {
        dtm_wipe_at_end_no_more(base)
        dtm_protected_unmap(base, count)
    }

    var range: Range<UInt> { UInt(bitPattern: base)..<UInt(bitPattern: base) + UInt(count) }
}

// Sendable: the memory belongs to this value alone; whoever shares it synchronises access.
extension ProtectedRegion: @unchecked Sendable {}
