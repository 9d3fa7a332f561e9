import CDTMLinux
import NIOCore

/// How many event loops a process should have.
public enum EventLoops {
    /// One for each processor that this process may use, which a system administrator may have limited.
    public static var count: Int {
        let usable = Int(dtm_usable_processors())
        let all = max(1, System.coreCount)
        return usable > 0 ? min(all, usable) : all
    }
}
