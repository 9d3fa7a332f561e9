import DTMCore
import Synchronization

/// The running totals of one tunnel. Every event loop adds to them.
final class TrafficCounters: Sendable {
    private let active = Atomic<Int>(0)
    private let total = Atomic<UInt64>(0)
    private let rejected = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)
    private let bytesIn = Atomic<UInt64>(0)
    private let bytesOut = Atomic<UInt64>(0)
    private let targetIsUnreachable = Atomic<Bool>(false)

    var snapshot: TunnelCounters {
        TunnelCounters(
            active: UInt32(clamping: active.load(ordering: .relaxed)), total: total.load(ordering: .relaxed),
            rejected: rejected.load(ordering: .relaxed), failed: failed.load(ordering: .relaxed),
            bytesIn: bytesIn.load(ordering: .relaxed), bytesOut: bytesOut.load(ordering: .relaxed))
    }

    /// Takes one more connection in, unless there are `limit` already.
    func admit(limit: Int) -> Bool {
        guard active.wrappingAdd(1, ordering: .relaxed).newValue <= limit else {
            active.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        total.wrappingAdd(1, ordering: .relaxed)
        return true
    }

    /// The end of a connection that was admitted.
    func release() { active.wrappingSubtract(1, ordering: .relaxed) }

    func didReject() { rejected.wrappingAdd(1, ordering: .relaxed) }
    func didFail() { failed.wrappingAdd(1, ordering: .relaxed) }
    func didMove(in bytes: UInt64) { bytesIn.wrappingAdd(bytes, ordering: .relaxed) }
    func didMove(out bytes: UInt64) { bytesOut.wrappingAdd(bytes, ordering: .relaxed) }

    /// Notes whether the target answered; true when that is news.
    func targetAnswered(_ answered: Bool) -> Bool {
        targetIsUnreachable.exchange(!answered, ordering: .relaxed) == answered
    }
}
