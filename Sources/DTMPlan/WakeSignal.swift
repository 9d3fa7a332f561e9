import CDTMLinux
import Glibc

/// Lets one thread sleep until another wakes it; a wake that comes first is not lost (`eventfd(2)`).
struct WakeSignal: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    init() throws(PlanError) {
        let number = dtm_eventfd()
        guard number >= 0 else { throw .system("eventfd", -number) }
        descriptor = OwnedDescriptor(adopting: number)
    }

    /// Wakes whoever waits now, or who waits next.
    borrowing func wake() {
        var one: UInt64 = 1
        // It fails only when interrupted, or when 2^64 wakes wait.
        while write(descriptor.number, &one, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
    }

    /// Sleeps until woken.
    borrowing func wait() {
        var count: UInt64 = 0
        while read(descriptor.number, &count, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
    }

    /// Sleeps until woken or until the time has passed, and leaves the wake for the next; whether it was woken.
    borrowing func isWoken(within limit: Duration) -> Bool {
        let end = ContinuousClock.now + limit
        while true {
            let left = max(.zero, ContinuousClock.now.duration(to: end))
            var entry = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
            let ready = poll(&entry, 1, Self.milliseconds(left))
            if ready > 0 { return true }
            if left == .zero || (ready < 0 && errno != EINTR) { return false }
        }
    }

    /// Rounded up, so that the last wait does not spin.
    private static func milliseconds(_ duration: Duration) -> CInt {
        let (seconds, attoseconds) = duration.components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return CInt(seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
