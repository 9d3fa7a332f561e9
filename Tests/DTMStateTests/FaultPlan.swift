import Glibc
import Synchronization

@testable import DTMState

/// Makes the kernel's answers to one folder's calls fail from a chosen one on.
final class FaultPlan: Sendable {
    enum Extent: Sendable {
        /// That one alone.
        case once
        /// All from there on: what is on the disk then is what a process leaves that is killed at that moment.
        case onwards
    }

    private let number: Int
    private let code: Int32
    private let extent: Extent
    private let seen = Mutex<[FileCall]>([])

    /// - Parameter number: Which call fails, from 0; nil counts them alone.
    init(_ number: Int?, _ code: Int32 = EIO, _ extent: Extent = .once) {
        self.number = number ?? .max
        self.code = code
        self.extent = extent
    }

    var calls: [FileCall] { seen.withLock { $0 } }
    /// The call that failed first.
    var failed: FileCall? { calls.indices.contains(number) ? calls[number] : nil }

    func run<Value>(_ body: () throws -> Value) -> Result<Value, any Error> {
        FileCall.$fault.withValue({ self.answer($0) }, operation: { Result(catching: body) })
    }

    private func answer(_ call: FileCall) -> Int32? {
        let index = seen.withLock { seen in
            seen.append(call)
            return seen.count - 1
        }
        return index == number || (index > number && extent == .onwards) ? code : nil
    }

    /// How many calls `body` makes when none fails.
    static func count(_ body: () throws -> Void) throws -> Int {
        let plan = FaultPlan(nil)
        try plan.run(body).get()
        return plan.calls.count
    }
}

/// Where several threads wait for each other, but not for ever: some may be kept from coming, and rightly so.
final class Meeting: Sendable {
    private let expected: Int
    private let arrived = Atomic(0)

    init(of expected: Int) { self.expected = expected }

    func wait() {
        arrived.add(1, ordering: .sequentiallyConsistent)
        for _ in 0..<20_000 where arrived.load(ordering: .sequentiallyConsistent) < expected { sched_yield() }
    }
}
