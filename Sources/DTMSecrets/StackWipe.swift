import CSodium

/// The part of a thread's stack that is out of use.
public enum DeadStack {
    /// How many bytes below the caller's frame are overwritten: several times what a P-256 signature takes.
    public static let wipedBytes = 64 * 1_024

    /// Overwrites what functions that have returned left on the stack below the caller's frame.
    ///
    /// Libraries that are careful with their heap still leave secrets on the stack: BoringSSL's P-256 copies the scalar
    /// it multiplies by (the private key, or the nonce of a signature, which is worth as much) to a local array and
    /// does not clear it. Call this in the frame that called such a library, in a `defer`. Takes one or two
    /// microseconds.
    @inline(never)
    public static func wipe() { sodium_stackzero(wipedBytes) }
}
