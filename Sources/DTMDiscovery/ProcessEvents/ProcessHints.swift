/// What the kernel told of processes since it was taken last, put together: where to look, and whether that is all of it.
/// A pure value.
struct ProcessHints {
    /// Processes that began and live, as far as is told.
    private(set) var began: Set<Int32> = []
    private(set) var ended: Set<Int32> = []
    /// Processes that are older and executed a program, or changed their name or user.
    private(set) var changed: Set<Int32> = []
    /// How many processes began and ended within this time.
    private(set) var brief: UInt64 = 0
    /// Whether anything at all was told of a process or a thread that began or ended.
    private(set) var isAlive = false
    /// Whether something is missing.
    private(set) var isLossy = false
    /// The count that each processor's next event has.
    private var expected: [UInt32?] = []

    /// The most processes of one kind that are kept; more are a loss.
    static let maximum = 1 << 13
    private static let maximumProcessors = 1 << 13

    mutating func note(_ notice: ProcessNotice) {
        follow(notice)
        switch notice.event {
        case .began(let pid):
            isAlive = true
            ended.remove(pid)
            if !Self.insert(pid, into: &began) { isLossy = true }
        case .changed(let pid):
            if !began.contains(pid), !Self.insert(pid, into: &changed) { isLossy = true }
        case .ended(let pid):
            isAlive = true
            changed.remove(pid)
            if began.remove(pid) != nil { brief += 1 } else if !Self.insert(pid, into: &ended) { isLossy = true }
        case .thread: isAlive = true
        case .answer, .other: break
        }
    }

    /// Something was not told, or not understood: what is counted next need not follow on what was counted last.
    mutating func lose() {
        isLossy = true
        expected.removeAll(keepingCapacity: true)
    }

    /// What there is, and begins anew.
    mutating func take() -> ProcessHints {
        var next = ProcessHints()
        next.expected = expected
        swap(&self, &next)
        return next
    }

    /// The kernel counts what each processor tells; it tells nobody when it had no memory to do so.
    private mutating func follow(_ notice: ProcessNotice) {
        let processor = Int(notice.processor)
        guard processor < Self.maximumProcessors else { return }
        while expected.count <= processor { expected.append(nil) }
        if let expected = expected[processor], expected != notice.sequence { isLossy = true }
        expected[processor] = notice.sequence &+ 1
    }

    /// - Returns: Whether there was room.
    private static func insert(_ pid: Int32, into set: inout Set<Int32>) -> Bool {
        guard set.count < maximum else { return false }
        set.insert(pid)
        return true
    }
}
