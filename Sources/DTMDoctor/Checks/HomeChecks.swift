import DTMCore

/// The manager's home: who may change what is in it, and what an earlier manager left there.
enum HomeChecks {
    static let all = [folders, files, sockets, processes, disk]

    static let folders = HealthCheck(
        code: "doctor.home", title: "Folders of the home", severity: .error,
        consequence:
            "Who may write there can put files and sockets of their own in place of the manager's; who may look "
            + "there sees its log. dtm up closes the home itself, and refuses to start while another folder in it can be "
            + "written to.",
        mend: "chmod go-rwx the folder, or chown it to the manager's user"
    ) { facts in
        switch facts.home.folders {
        case .absent: .notApplicable("there is no home yet: dtm up makes it, for its user alone")
        case .unknown(let reason): .unknown(reason)
        case .known(let folders):
            verdict(problems(folders, facts) + facts.home.parents.compactMap { parent($0, uid: facts.process.uid) })
                ?? .passed(
                    "\(folders.first?.path ?? "the home") belongs to uid \(facts.process.uid), who alone may write there"
                )
        }
    }

    static let files = HealthCheck(
        code: "doctor.files", title: "Files of the home", severity: .error,
        consequence:
            "Who may write to them can forge the log, offer certificates of their own to clients, and have the "
            + "next start end processes that are not the manager's; who may read the log learns who connects to what.",
        mend: "chmod go-rwx the file, or chown it to the manager's user"
    ) { facts in
        guard !facts.home.files.isEmpty else {
            if case .unknown(let reason) = facts.home.folders { return .unknown(reason) }
            return .notApplicable("no manager has written any yet")
        }
        return verdict(facts.home.files.compactMap { problemInside($0, facts) })
            ?? .passed("\(facts.home.files.count) looked at; none belongs to others or may be changed by them")
    }

    static let sockets = HealthCheck(
        code: "doctor.sockets", title: "Control socket", severity: .warning,
        consequence: "A manager ended without tidying up: commands find its socket, and nobody answers at it.",
        mend: "start a manager, which puts its own in place, or remove the socket"
    ) { facts in
        switch facts.home.sockets {
        case .absent: .notApplicable("there is no socket in the home")
        case .unknown(let reason): .unknown(reason)
        case .known(let sockets): judge(sockets, facts.settings)
        }
    }

    static let processes = HealthCheck(
        code: "doctor.processes", title: "Processes of the manager", severity: .warning,
        consequence: "Nothing starts them anew when they end, and they end by themselves after orphan.limitSeconds.",
        mend: "dtm up, which ends them and serves in their place"
    ) { facts in
        switch facts.home.processes {
        case .absent: .notApplicable("no manager has written any down")
        case .unknown(let reason): .unknown(reason)
        case .known(let entries): judge(entries, facts.settings)
        }
    }

    static let disk = HealthCheck(
        code: "doctor.disk", title: "Room for the log", severity: .warning,
        consequence:
            "Events that don't fit on the disk are counted and not written: nobody can look them up afterwards.",
        mend: "make room on the volume, or lower logging.maximumFileBytes and logging.keptFiles"
    ) { facts in
        switch facts.home.volume {
        case .absent: .notApplicable("there is no home")
        case .unknown(let reason): .unknown(reason)
        case .known(let volume): judge(volume, facts.settings)
        }
    }

    // MARK: Decisions

    private struct Problem {
        var text: String
        var severity: HealthSeverity
        var mend: String
    }

    private static func verdict(_ problems: [Problem]) -> Verdict? {
        guard let worst = problems.map(\.severity).max() else { return nil }
        return .failed(
            problems.map(\.text).joined(separator: "\n"), severity: worst,
            mend: problems.map(\.mend).joined(separator: "\n"))
    }

    /// A home that is another's is one problem, and not one for each thing in it.
    private static func problems(_ folders: [PathFacts], _ facts: HostFacts) -> [Problem] {
        folders.prefix(1).compactMap { problem($0, uid: facts.process.uid) }
            + folders.dropFirst().compactMap { problemInside($0, facts) }
    }

    private static func problemInside(_ found: PathFacts, _ facts: HostFacts) -> Problem? {
        let isHomes = found.owner == facts.home.folders.value?.first?.owner
        return problem(found, uid: isHomes ? found.owner : facts.process.uid)
    }

    private static func problem(_ found: PathFacts, uid: UInt32) -> Problem? {
        let path = shellQuoted(found.path)
        if found.owner != uid {
            return Problem(
                text: "\(found.path) belongs to uid \(found.owner), not to uid \(uid)",
                severity: .error, mend: "chown \(uid) \(path), or run the manager as uid \(found.owner)")
        }
        if found.isWritableByOthers {
            return Problem(
                text: "others may write to \(found.path) (mode \(found.mode))", severity: .error,
                mend: found.kind == .hidden ? "chmod go-rwx \(path)" : "chmod go-w \(path)")
        }
        guard found.kind == .hidden, found.isOpenToOthers else { return nil }
        return Problem(
            text: "others may look into \(found.path) (mode \(found.mode))", severity: .warning,
            mend: "chmod go-rwx \(path)")
    }

    /// Who may rename a folder can put another in its place.
    private static func parent(_ found: PathFacts, uid: UInt32) -> Problem? {
        let whatFor = "put another folder in place of what is in \(found.path)"
        if found.isWritableByOthers, !found.isSticky {
            return Problem(
                text: "others may \(whatFor) (mode \(found.mode))", severity: .error,
                mend: "chmod go-w \(shellQuoted(found.path))")
        }
        guard found.owner != 0, found.owner != uid else { return nil }
        return Problem(
            text: "uid \(found.owner) owns \(found.path) and may \(whatFor)", severity: .warning,
            mend: "name a home below folders of root or of uid \(uid), with --home DIR or DTM_HOME")
    }

    private static func judge(_ sockets: [SocketFacts], _ settings: DoctorSettings) -> Verdict {
        let stale = sockets.filter { $0.answers == .known(false) }.map(\.path)
        if !stale.isEmpty {
            return .failed(
                stale.map { "nobody answers at \($0)" }.joined(separator: "\n"),
                mend: "dtm up\(settings.homeOption), or: rm \(stale.map(shellQuoted).joined(separator: " "))")
        }
        for case .unknown(let reason) in sockets.map(\.answers) { return .unknown(reason) }
        return .passed(sockets.map { "\($0.path) answers" }.joined(separator: "\n"))
    }

    private static func judge(_ entries: [ProcessEntry], _ settings: DoctorSettings) -> Verdict {
        let orphans = entries.filter { $0.isRunning && !$0.isSupervised }
        if !orphans.isEmpty {
            let names = orphans.map { "\($0.role) (pid \($0.pid))" }.joined(separator: " and ")
            return .failed(
                "\(names): running without a launcher, which was killed",
                mend: "dtm up\(settings.homeOption), which ends them and serves in their place")
        }
        let running = entries.filter(\.isRunning)
        guard running.isEmpty else {
            return .passed(running.map { "\($0.role) \($0.pid)" }.joined(separator: ", ") + ", under their launcher")
        }
        return .failed(
            "run/processes names processes of a manager that was killed; none of them runs any more", severity: .note,
            consequence: "Nothing but its keys, which were in memory alone.",
            mend: "nothing needs to be done: dtm up\(settings.homeOption) writes it anew")
    }

    private static func judge(_ volume: VolumeFacts, _ settings: DoctorSettings) -> Verdict {
        guard !volume.isReadOnly else {
            return .failed(
                "the volume of \(volume.path) is mounted read-only", severity: .error,
                mend: "mount it for writing, or name another home with --home DIR or DTM_HOME")
        }
        let wanted = settings.logBytes > volume.logBytes ? settings.logBytes - volume.logBytes : 0
        let room = "\(size(volume.freeBytes)) free at \(volume.path), the log may grow by \(size(wanted))"
        return volume.freeBytes < wanted ? .failed(room) : .passed(room)
    }
}
