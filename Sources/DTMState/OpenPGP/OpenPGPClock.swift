import Glibc

/// What time it is for keys and signatures. They are bound to wall time, which may be wrong: a key of ours must not stop working because
/// the clock was set back, so no operation runs at a time before its keys were made.
struct OpenPGPClock: Sendable {
    /// Seconds since 1970.
    let now: @Sendable () -> UInt64

    static let system = Self { UInt64(max(0, Glibc.time(nil))) }

    func time(notBefore keys: OpenPGPKeyOutline...) -> UInt64 { time(notBefore: keys) }

    func time(notBefore keys: [OpenPGPKeyOutline]) -> UInt64 {
        keys.reduce(now()) { max($0, UInt64($1.newestCreation)) }
    }
}
