import DTMAPI
import DTMCore

/// Finds what a user typed among all applications.
enum AppSelection {
    /// The process with this PID, or all processes of the application with this name. A name may be that of a process or
    /// of a tunnel, in any case, or the beginning of one application's.
    ///
    /// - Throws: `CommandFailure` when there is none, or several begin so.
    static func find(_ subject: String, in list: AppList, suffix: String) throws(CommandFailure) -> [AppReport] {
        if isNumber(subject) {
            let found = list.apps.filter { String($0.pid) == subject }
            guard found.isEmpty else { return found }
        }
        let wanted = subject.lowercased()
        let tests: [(AppReport) -> Bool] = [
            { $0.application == subject }, { $0.name == subject }, { $0.application.lowercased() == wanted },
            { $0.name.lowercased() == wanted }, { $0.tunnel == subject },
        ]
        for test in tests {
            let found = list.apps.filter(test)
            if !found.isEmpty { return found }
        }
        return try beginning(with: wanted, subject, list, suffix)
    }

    /// People call redis-server redis, and mean what listens rather than redis-cli.
    private static func beginning(
        with wanted: String, _ subject: String, _ list: AppList, _ suffix: String
    ) throws(CommandFailure) -> [AppReport] {
        let found = list.apps.filter { $0.application.lowercased().hasPrefix(wanted) }
        let listening = Set(found.filter { !$0.listeners.isEmpty }.map(\.application))
        let names = (listening.count == 1 ? listening : Set(found.map(\.application))).sorted()
        guard !wanted.isEmpty, let first = names.first else { throw unknown(subject, list, suffix) }
        guard names.count == 1 else {
            throw CommandFailure(
                codeName: "subject.ambiguous", message: "\(names.count) applications begin with \(subject)",
                hint: named(names.prefix(NearestNames.most), suffix))
        }
        return found.filter { $0.application == first }
    }

    private static func unknown(_ subject: String, _ list: AppList, _ suffix: String) -> CommandFailure {
        let hidden = list.ownOnly ? ", or you may not see it" : ""
        let all = "dtm apps --all\(suffix) lists what runs"
        guard !isNumber(subject) else {
            return CommandFailure(
                codeName: "pid.unknown", message: "there is no process \(subject)\(hidden)", hint: all)
        }
        let near = NearestNames.find(subject, among: Set(list.apps.map(\.application)))
        return CommandFailure(
            codeName: "subject.unknown", message: "no application named \(quoted(subject)) runs here\(hidden)",
            hint: near.isEmpty ? all : named(near[...], suffix))
    }

    private static func named(_ names: ArraySlice<String>, _ suffix: String) -> String {
        names.map { "dtm apps \(shellQuoted($0))\(suffix)" }.joined(separator: ", or ")
    }

    private static func quoted(_ subject: String) -> String { subject.isEmpty ? "\"\"" : subject }

    private static func isNumber(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
