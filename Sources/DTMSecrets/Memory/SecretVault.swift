import CDTMLinux
import CSodium
import Glibc
import Synchronization

/// The process's protected memory: one master key, under which secrets rest sealed in ordinary memory, and slots in
/// which they lie open while they are used.
///
/// Protected memory is scarce (`RLIMIT_MEMLOCK`, 64 KiB in some containers): so few pages of it serve any number of
/// secrets.
final class SecretVault: Sendable {
    /// The longest secret that rests sealed, in bytes; longer ones have protected memory of their own.
    static let slotBytes = 1_024
    /// How many slots are asked for, and how few will do.
    private static let slotCounts = [127, 63, 31, 15, 3]
    /// Slots, and the master key in the place of one.
    static var arenaBytes: (most: Int, least: Int) {
        ((slotCounts.first ?? 0) * slotBytes + slotBytes, (slotCounts.last ?? 0) * slotBytes + slotBytes)
    }

    private let region: ProtectedRegion
    private let slotCount: Int
    private let free: Mutex<[Int]>
    private let nonces: NonceSequence
    private let large = Mutex<[UInt: Int]>([:])

    var backing: MemoryProtection.Backing { region.backing }
    var status: MemoryProtection.Status {
        MemoryProtection.Status(
            backing: backing, refusalCode: backing == .secret ? 0 : Self.refusal ?? 0, arenaBytes: region.count,
            slots: slotCount,
            largeBytes: large.withLock { $0.values.reduce(0, +) })
    }
    /// All protected memory of the process.
    var ranges: [(range: Range<UInt>, backing: MemoryProtection.Backing)] {
        let others = large.withLock { $0.map { ($0.key..<$0.key + UInt($0.value), backing) } }
        return [(region.range, backing)] + others
    }

    init(_ backings: [MemoryProtection.Backing]) throws(SecretsError) {
        guard sodium_init() >= 0 else { throw .libraryUnavailable }
        region = try Self.arena(backings)
        // The master key has the place of a slot.
        slotCount = region.count / Self.slotBytes - 1
        free = Mutex(Array((1...slotCount).reversed()))
        nonces = NonceSequence()
        randombytes_buf(region.base, MemoryCipher.keyBytes)
    }

    /// As large as the limit on locked memory allows.
    private static func arena(_ backings: [MemoryProtection.Backing]) throws(SecretsError) -> ProtectedRegion {
        var failure = SecretsError.libraryUnavailable
        for backing in backings {
            for slots in slotCounts {
                do throws(SecretsError) {
                    return try ProtectedRegion(atLeast: (slots + 1) * slotBytes, backing)
                } catch {
                    failure = error
                    if error.isForGood { break }
                }
            }
            if backing == .secret { refused.store(Int(failure.systemCode), ordering: .relaxed) }
        }
        throw failure
    }

    // MARK: Sealing

    /// Lends a slot of zeros to `fill`, seals the first `count` bytes of it, and overwrites it.
    func seal<Failure: Error>(
        _ count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) -> SealedBytes {
        let slot = take()
        defer { release(slot) }
        let plain = UnsafeMutableRawBufferPointer(start: place(slot), count: count)
        try fill(plain)
        return SealedBytes(sealing: UnsafeRawBufferPointer(plain), under: region.base, nonce: nonces.next())
    }

    /// Unseals into a slot for the time of `body`.
    func open<Result: ~Copyable, Failure: Error>(
        _ sealed: SealedBytes, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let slot = take()
        defer { release(slot) }
        let plain = UnsafeMutableRawBufferPointer(start: place(slot), count: sealed.count)
        let isOpen = sealed.open(into: plain, under: region.base)
        if !isOpen { Self.waitIfTheProcessEnds() }
        // Somebody wrote over this process's memory: there is no secret any more, and no safe way on.
        precondition(isOpen, "a sealed secret was overwritten")
        return try body(UnsafeRawBufferPointer(plain))
    }

    private func place(_ slot: Int) -> UnsafeMutableRawPointer { region.base + slot * Self.slotBytes }

    /// There are more slots than threads that could hold one, so waiting is rare and short.
    private func take() -> Int {
        while true {
            Self.waitIfTheProcessEnds()
            if let slot = free.withLock({ $0.popLast() }) { return slot }
            sched_yield()
        }
    }

    /// At the end of the process the master key is overwritten while other threads still run. They have nothing to do
    /// any more, and must not take the zeros for a key.
    private static func waitIfTheProcessEnds() {
        while dtm_is_wiped() != 0 { pause() }
    }

    private func release(_ slot: Int) {
        sodium_memzero(place(slot), Self.slotBytes)
        free.withLock { $0.append(slot) }
    }

    // MARK: Long secrets

    func makeRegion(_ count: Int) throws(SecretsError) -> ProtectedRegion {
        let region = try ProtectedRegion(atLeast: count, backing)
        let (start, bytes) = (region.range.lowerBound, region.count)
        large.withLock { $0[start] = bytes }
        return region
    }

    func forget(_ start: UInt) { large.withLock { _ = $0.removeValue(forKey: start) } }
}

// MARK: One for the process

extension SecretVault {
    private static let holder = Mutex<SecretVault?>(nil)
    private static let refused = Atomic<Int>(0)

    /// Why the kernel gave no memory of the better kind: an errno.
    static var refusal: Int32? {
        let code = refused.load(ordering: .relaxed)
        return code == 0 ? nil : Int32(code)
    }

    static var settled: SecretVault? { holder.withLock { $0 } }

    static func shared(_ policy: MemoryProtection.Policy = .prefer) throws(SecretsError) -> SecretVault {
        try holder.withLock { known throws(SecretsError) in
            if let known { return known }
            let made = try SecretVault(policy.backings)
            known = made
            return made
        }
    }
}

/// Nonces that are never used twice in a process: a random start and a counter.
final class NonceSequence: Sendable {
    private let start: (UInt64, UInt64)
    private let counter = Atomic<UInt64>(0)

    init() { start = (.random(in: 0 ... .max), .random(in: 0 ... .max)) }

    func next() -> MemoryCipher.Nonce {
        (start.0, start.1, counter.add(1, ordering: .relaxed).oldValue)
    }
}
