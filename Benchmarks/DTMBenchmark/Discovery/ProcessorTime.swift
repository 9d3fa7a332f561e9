import Glibc

/// CPU time in milliseconds: what a busy machine disturbs less than the time on the wall.
enum ProcessorTime {
    /// Of the calling thread so far, in user and kernel mode.
    static var thread: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
    }

    /// Of a child that ended, in user and kernel mode; waits for its end.
    static func untilEnd(of child: pid_t) -> (milliseconds: Double, status: Int32) {
        var usage = rusage()
        var status: Int32 = 0
        while wait4(child, &status, 0, &usage) < 0, errno == EINTR {}
        let milliseconds = [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) * 1e3 + Double($0.tv_usec) / 1e3 }
        return (milliseconds.reduce(0, +), status)
    }

    /// Of another process so far, with its threads that have ended, in user and kernel mode: `clock_getcpuclockid(3)`,
    /// which counts in nanoseconds where `/proc/PID/stat` does in hundredths of a second. Nil when it is gone.
    static func process(_ pid: pid_t) -> Double? {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { return nil }
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
    }
}
