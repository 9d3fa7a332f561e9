import DTMAPI
import DTMCore
import DTMDiscovery
import NIOPosix
import Synchronization

/// The manager's processes.
struct ManagerProcesses: Hashable, Sendable {
    var launcher: Int32?
    var control: Int32
    var dataPlane: Int32?

    var pids: [Int32] { [launcher, control, dataPlane].compactMap(\.self) }

    func role(of pid: Int32) -> String {
        pid == control ? "control" : pid == dataPlane ? "dataplane" : "launcher"
    }
}

/// What the manager uses of the machine, at one moment.
struct UsageFigures: Hashable, Sendable {
    var residentBytes: UInt64 = 0
    var lockedBytes: UInt64 = 0
    /// Of one core, over the last seconds.
    var cpuPercent = 0.0
    var processes: [StatusReport.ProcessReport] = []
}

/// The processor times that were read lately; from them comes the load over the last seconds. A pure value.
struct LoadWindow: Hashable, Sendable {
    private struct Sample: Hashable {
        var at: Timestamp
        var times: [Int32: Duration]
    }
    private var samples: [Sample] = []
    private let length: Duration

    init(length: Duration = .seconds(10)) { self.length = length }

    /// Takes the processor time of each process. A process that was not there before counts from now on, and one that
    /// is gone no more.
    mutating func add(_ times: [Int32: Duration], at now: Timestamp) {
        samples.append(Sample(at: now, times: times))
        while samples.count > 2, samples[1].at <= now - length { samples.removeFirst() }
    }

    /// Percent of one core, from the oldest sample kept to the newest; 0 while there is one only.
    var percent: Double {
        guard let first = samples.first, let last = samples.last, last.at > first.at else { return 0 }
        let used = last.times.reduce(Duration.zero) { sum, entry in
            sum + max(.zero, entry.value - (first.times[entry.key] ?? entry.value))
        }
        let percent = used.inSeconds / (last.at - first.at).inSeconds * 100
        return (percent * 100).rounded() / 100
    }
}

/// The proportional sizes that were read last: consoles ask every second, and the kernel walks all pages for them. A pure
/// value.
struct SizeMemory: Hashable, Sendable {
    private var readAt: Timestamp?
    private var sizes: [Int32: UInt64?] = [:]

    /// For how long they are good enough.
    static let age = Duration.seconds(4)

    /// Whether they are to be read anew.
    func isDue(_ pids: [Int32], at now: Timestamp) -> Bool {
        guard let readAt, now >= readAt, now - readAt < Self.age else { return true }
        return !pids.allSatisfy { sizes.keys.contains($0) }
    }

    /// Keeps what was read.
    mutating func take(_ resources: [ProcessResources], at now: Timestamp) {
        readAt = now
        sizes = Dictionary(resources.map { ($0.pid, $0.proportionalBytes) }) { first, _ in first }
    }

    /// The same with the sizes that were read last.
    func completed(_ resources: [ProcessResources]) -> [ProcessResources] {
        resources.map { process in
            var process = process
            process.proportionalBytes = sizes[process.pid] ?? nil
            return process
        }
    }
}

/// Reads what the manager uses, on threads of its own.
final class UsageMeter: Sendable {
    private let reader = ResourceReader()
    private let threads: NIOThreadPool
    private let clock: any TimeSource
    private let window = Mutex(LoadWindow())
    private let sizes = Mutex(SizeMemory())

    init(threads: NIOThreadPool, clock: any TimeSource) {
        self.threads = threads
        self.clock = clock
    }

    func read(_ processes: ManagerProcesses) async -> UsageFigures {
        let resources = await resources(of: processes.pids)
        let total = ResourceReader.total(resources)
        let times = Dictionary(resources.map { ($0.pid, $0.cpuTime) }) { first, _ in first }
        let percent = window.withLock { window in
            window.add(times, at: clock.now())
            return window.percent
        }
        return UsageFigures(
            residentBytes: total.residentBytes, lockedBytes: total.lockedBytes, cpuPercent: percent,
            processes: resources.map { process in
                StatusReport.ProcessReport(
                    role: processes.role(of: process.pid), pid: process.pid,
                    residentBytes: process.proportionalBytes ?? process.residentBytes)
            })
    }

    private func resources(of pids: [Int32]) async -> [ProcessResources] {
        let isDue = sizes.withLock { $0.isDue(pids, at: clock.now()) }
        let read = try? await threads.runIfActive { [reader] in reader.read(pids, withProportional: isDue) }
        return sizes.withLock { sizes in
            guard isDue else { return sizes.completed(read ?? []) }
            sizes.take(read ?? [], at: clock.now())
            return read ?? []
        }
    }
}
