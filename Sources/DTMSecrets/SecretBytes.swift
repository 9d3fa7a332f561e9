import CSodium
import DTMCore

/// A secret of fixed length in memory of its own: locked against swapping, left out of core dumps, between guard
/// pages, and wiped when the value ends.
///
/// It can't be copied, printed, compared with `==` or encoded. Construct it from the system's generator or by writing
/// into it; lend its bytes with ``withBytes(_:)``; to hold one in several places, share a ``SharedSecret``.
///
/// The memory comes from `sodium_malloc` (libsodium, "Secure memory"): a page or more for each secret, counted against
/// `RLIMIT_MEMLOCK`.
public struct SecretBytes: ~Copyable {
    private let base: UnsafeMutableRawPointer
    /// The length in bytes; never 0.
    public let count: Int

    /// The longest secret in bytes.
    public static let maximumCount = 1 << 20

    /// Allocates `count` bytes and lets `fill` write them; they start as zeros.
    ///
    /// - Throws: ``SecretsError`` when the length is out of bounds or the memory can't be had or locked, and what
    ///   `fill` throws; the memory is wiped and freed in every case.
    public init(count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        guard (1...Self.maximumCount).contains(count) else { throw SecretsError.length(count) }
        guard sodium_init() >= 0 else { throw SecretsError.libraryUnavailable }
        guard let base = sodium_malloc(count) else { throw SecretsError.allocation(count) }
        // sodium_malloc locks its pages and ignores a refusal: locking again tells.
        guard sodium_mlock(base, count) == 0 else {
            sodium_free(base)
            throw SecretsError.lockRefused(count)
        }
        sodium_memzero(base, count)
        do {
            try fill(UnsafeMutableRawBufferPointer(start: base, count: count))
        } catch {
            sodium_free(base)
            throw error
        }
        guard sodium_mprotect_readonly(base) == 0 else {
            sodium_free(base)
            throw SecretsError.allocation(count)
        }
        self.base = base
        self.count = count
    }

    /// `count` bytes from libsodium's generator, which is `getrandom(2)` on Linux.
    public init(randomCount count: Int) throws {
        try self.init(count: count) { buffer in
            if let start = buffer.baseAddress { randombytes_buf(start, buffer.count) }
        }
    }

    deinit {
        // Wipes, checks the canary, unlocks, unmaps.
        sodium_free(base)
    }

    /// Lends the bytes for the time of `body`. Do not let them out of it.
    public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (borrowing RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let span = RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: count)
        return try body(span)
    }

    /// Compares in a time that depends on the lengths alone.
    public borrowing func isEqual(to other: borrowing SecretBytes) -> Bool {
        count == other.count && sodium_memcmp(base, other.base, count) == 0
    }
}

// Sendable: the memory belongs to this value alone, is written only before the initialiser returns, is read-only from
// then on (by mprotect as well), and is freed when the one owner ends.
extension SecretBytes: @unchecked Sendable {}

/// One secret that several owners hold; it is wiped when the last of them lets go.
public final class SharedSecret: Sendable {
    /// Lent, never copied.
    public let bytes: SecretBytes

    /// Takes the secret over.
    public init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
}
