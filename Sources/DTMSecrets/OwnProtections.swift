/// Whether what protects this process still does.
public enum OwnProtections {
    /// What does not hold, each as a sentence; empty when all is well. Looks at the kernel's tables of this process, which
    /// takes about a millisecond. Call ``MemoryProtection/begin(_:)`` and ``ProcessHardening/apply()`` before.
    public static func lapses() -> [String] {
        // Not to be able to look is no good news.
        let memory =
            MemoryProtection.violations() ?? ["whether memory is protected can't be looked at in /proc/self/smaps"]
        return memory + ProcessHardening.lapses()
    }
}
