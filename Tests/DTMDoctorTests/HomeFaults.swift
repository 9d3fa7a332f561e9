@testable import DTMDoctor

/// What can be wrong with a home and its manager.
enum HomeFaults {
    typealias Fault = CheckTests.Fault

    static let all: [Fault] = folders + leftovers + manager

    private static let folders = [
        Fault("doctor.home", "others may write", .error, detail: "mode 0777", mend: "chmod go-rwx \(Samples.home)") {
            $0.home.folders = .known([Samples.folder(Samples.home, mode: 0o777)])
        },
        Fault("doctor.home", "another's", .error, detail: "uid 7", mend: "chown 1000 \(Samples.home)") {
            $0.home.folders = .known([Samples.folder(Samples.home, owner: 7)])
        },
        Fault("doctor.home", "others may look", .warning, detail: "mode 0755", mend: "chmod go-rwx") {
            $0.home.folders = .known([Samples.folder("\(Samples.home)/run", mode: 0o755)])
        },
        Fault("doctor.home", "a parent that others may write to", .error, detail: "/srv", mend: "chmod go-w /srv") {
            $0.home.parents = [Samples.folder("/srv", owner: 0, mode: 0o777)]
        },
        Fault("doctor.home", "a parent of another user", .warning, detail: "uid 7 owns /srv", mend: "--home") {
            $0.home.parents = [Samples.folder("/srv", owner: 7, mode: 0o755)]
        },
        Fault("doctor.files", "the log may be written", .error, detail: "/l", mend: "chmod go-rwx /l") {
            $0.home.files = [PathFacts(path: "/l", kind: .hidden, owner: 1_000, permissions: 0o622)]
        },
        Fault("doctor.files", "the bundle may be written", .error, detail: "/b", mend: "chmod go-w /b") {
            $0.home.files = [PathFacts(path: "/b", kind: .open, owner: 1_000, permissions: 0o664)]
        },
        Fault("doctor.files", "the log may be read", .warning, detail: "look into /l (mode 0644)") {
            $0.home.files = [PathFacts(path: "/l", kind: .hidden, owner: 1_000, permissions: 0o644)]
        },
    ]

    private static let leftovers = [
        Fault("doctor.sockets", "nobody answers", .warning, detail: "nobody answers at /s", mend: "rm /s") {
            $0.home.sockets = .known([SocketFacts(path: "/s", answers: .known(false))])
        },
        Fault("doctor.processes", "the launcher is gone", .warning, detail: "control (pid 42)", mend: "dtm up") {
            $0.home.processes = .known([
                ProcessEntry(role: "control", pid: 42, isRunning: true, isSupervised: false)
            ])
        },
        Fault("doctor.processes", "all are gone", .note, detail: "none of them runs", mend: "dtm up") {
            $0.home.processes = .known([
                ProcessEntry(role: "control", pid: 42, isRunning: false, isSupervised: false)
            ])
        },
        Fault("doctor.disk", "full", .warning, detail: "1 KiB free", mend: "make room") {
            $0.home.volume = .known(VolumeFacts(path: "/", freeBytes: 1_024, isReadOnly: false, logBytes: 0))
        },
        Fault("doctor.disk", "read-only", .error, detail: "read-only", mend: "mount") {
            $0.home.volume = .known(VolumeFacts(path: "/", freeBytes: 1 << 40, isReadOnly: true, logBytes: 0))
        },
    ]

    private static let manager = [
        Fault("doctor.manager", "it does not answer", .error, detail: "late", mend: "look at the log") {
            $0.settings.manager = .broken(message: "late", hint: "look at the log")
        },
        Fault("doctor.manager", "another version", .warning, detail: "dtm 1 runs", mend: "dtm up") {
            $0.settings.manager = .differs(version: "1", own: "2")
        },
        Fault("doctor.configuration", "refused", .error, detail: "no JSON", mend: "dtm config validate") {
            $0.settings.configuration = .refused(path: "/c", message: "no JSON", hint: nil)
        },
        Fault("doctor.configuration", "a warning", .warning, detail: "may read it", mend: "dtm config validate") {
            $0.settings.configuration = .valid(path: "/c", tunnels: 0, warnings: ["others may read it"])
        },
        Fault("doctor.configuration", "changed", .note, detail: "10 → 5", mend: "dtm config reload") {
            $0.settings.configuration = .changed(path: "/c", changes: ["rotation.intervalSeconds: 10 → 5"])
        },
    ]
}
