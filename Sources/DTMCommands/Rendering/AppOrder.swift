import ArgumentParser
import DTMAPI

/// What comes first in `dtm apps`: the most of what is counted, or the lowest PID or first name.
enum AppOrder: String, CaseIterable, ExpressibleByArgument {
    case cpu, memory, connections, name, pid

    /// - Parameter order: Nil for what listens first, then by use of the processor, memory and name.
    static func sorted(_ apps: [AppReport], by order: Self?) -> [AppReport] {
        apps.map { (rank: Rank($0, order), app: $0) }.sorted { $0.rank < $1.rank }.map(\.app)
    }

    /// Compared from the first number to the PID, which decides when all else is equal.
    private struct Rank: Comparable {
        var numbers = (0.0, 0.0, 0.0)
        var name = ""
        let pid: Int32

        init(_ app: AppReport, _ order: AppOrder?) {
            pid = app.pid
            if order != .pid { name = app.application.lowercased() }
            // As it is shown: what differs in hundredths shall not change places with every look.
            let cpu = -(app.cpuPercent * 10).rounded()
            let memory = -Double(app.residentBytes)
            switch order {
            case nil: numbers = (app.listeners.isEmpty ? 1 : 0, cpu, memory)
            case .cpu?: numbers = (cpu, memory, 0)
            case .memory?: numbers = (memory, 0, 0)
            case .connections?: numbers = (-Double(app.connections.count), cpu, memory)
            case .name?, .pid?: break
            }
        }

        static func < (left: Self, right: Self) -> Bool {
            left.numbers == right.numbers
                ? (left.name, left.pid) < (right.name, right.pid) : left.numbers < right.numbers
        }

        static func == (left: Self, right: Self) -> Bool { !(left < right) && !(right < left) }
    }
}
