import DTMAnalysis
import DTMCore

/// What one application uses, all its processes together.
struct ApplicationFigures: Hashable, Sendable {
    private(set) var values: [Metric: Double] = [.cpu: 0, .memory: 0, .threads: 0, .connections: 0]
    private(set) var processes: [Int32] = []
    private var executable: String?
    private var oldest = UInt64.max

    /// Changes when the application is started anew, or its program is another one.
    var deployment: UInt64 {
        // FNV-1a: a fixed function, as what was learnt is compared over restarts of the manager. Nothing rests on its strength.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in (executable ?? "").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return (hash ^ oldest) &* 0x100_0000_01b3
    }

    mutating func add(_ process: ApplicationObservation) {
        processes.append(process.pid)
        values[.cpu, default: 0] += process.cpuPercent
        values[.memory, default: 0] += Double(process.residentBytes)
        values[.threads, default: 0] += Double(process.threads)
        values[.connections, default: 0] += Double(process.connections.count)
        if let open = process.openDescriptors { values[.descriptors, default: 0] += Double(open) }
        guard process.startTicks < oldest else { return }
        oldest = process.startTicks
        executable = process.executable
    }

    /// By application's stable name, this manager's own processes aside.
    static func of(_ processes: [ApplicationObservation], besides own: Set<Int32>) -> [String: ApplicationFigures] {
        var figures: [String: ApplicationFigures] = [:]
        for process in processes where !own.contains(process.pid) {
            figures[process.application, default: ApplicationFigures()].add(process)
        }
        return figures
    }
}
