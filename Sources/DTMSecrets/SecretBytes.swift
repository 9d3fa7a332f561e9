import CDTMLinux
import CSodium
import DTMCore

/// A secret of fixed length, at rest sealed or in protected memory, and wiped when the value ends.
///
/// It can't be copied, printed, compared with `==` or encoded. Construct it from the system's generator or by writing
/// into it; lend its bytes with ``withBytes(_:)``; to hold one in several places, share a ``SharedSecret``.
///
/// Up to 1,024 bytes it rests sealed by XChaCha20-Poly1305 under the process's master key, and lies open in protected
/// memory for the time of ``withBytes(_:)`` alone: about a microsecond more for each use. Longer ones have protected
/// pages of their own. ``MemoryProtection`` says what kind of memory that is.
public struct SecretBytes: ~Copyable, Sendable {
    private let holding: Holding
    /// The length in bytes; never 0.
    public let count: Int

    /// The longest secret in bytes.
    public static let maximumCount = 1 << 22

    private enum Holding: Sendable {
        case sealed(SealedBytes, SecretVault)
        case region(ProtectedRegion, SecretVault)
    }

    /// Allocates `count` bytes and lets `fill` write them; they start as zeros.
    ///
    /// - Throws: ``SecretsError`` when the length is out of bounds or protected memory can't be had, and what `fill`
    ///   throws; the memory is wiped and freed in every case.
    public init(count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        guard (1...Self.maximumCount).contains(count) else { throw SecretsError.length(count) }
        let vault = try SecretVault.shared()
        if count <= SecretVault.slotBytes {
            holding = .sealed(try vault.seal(count, filledBy: fill), vault)
        } else {
            let region = try vault.makeRegion(count)
            do {
                try fill(UnsafeMutableRawBufferPointer(start: region.base, count: count))
            } catch {
                vault.forget(region.range.lowerBound)
                throw error
            }
            guard dtm_protected_read_only(region.base, region.count) == 0 else {
                vault.forget(region.range.lowerBound)
                throw SecretsError.allocation(count)
            }
            holding = .region(region, vault)
        }
        self.count = count
    }

    /// `count` bytes from libsodium's generator, which is `getrandom(2)` on Linux.
    public init(randomCount count: Int) throws {
        try self.init(count: count) { buffer in
            if let start = buffer.baseAddress { randombytes_buf(start, buffer.count) }
        }
    }

    deinit {
        if case .region(let region, let vault) = holding { vault.forget(region.range.lowerBound) }
    }

    /// Lends the bytes for the time of `body`. Do not let them out of it.
    public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (borrowing RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch holding {
        case .sealed(let sealed, let vault):
            return try vault.open(sealed) { bytes throws(Failure) in try body(bytes.bytes) }
        case .region(let region, _):
            return try body(UnsafeRawBufferPointer(start: region.base, count: count).bytes)
        }
    }

    /// A copy of the first bytes, made within protected memory.
    ///
    /// - Parameter length: At most ``count``.
    /// - Throws: ``SecretsError`` when the length is out of bounds or protected memory can't be had.
    public borrowing func prefix(_ length: Int) throws -> SecretBytes {
        guard length <= count else { throw SecretsError.length(length) }
        return try SecretBytes(count: length) { target in
            withBytes { span in
                span.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<length])) }
            }
        }
    }

    /// Compares in a time that depends on the lengths alone.
    public borrowing func isEqual(to other: borrowing SecretBytes) -> Bool {
        guard count == other.count else { return false }
        return withBytes { own in
            other.withBytes { other in
                own.withUnsafeBytes { own in
                    other.withUnsafeBytes { sodium_memcmp(own.baseAddress, $0.baseAddress, own.count) == 0 }
                }
            }
        }
    }
}

/// One secret that several owners hold; it is wiped when the last of them lets go.
public final class SharedSecret: Sendable {
    /// Lent, never copied.
    public let bytes: SecretBytes

    /// Takes the secret over.
    public init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
}
