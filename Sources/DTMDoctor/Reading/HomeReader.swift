import Glibc

/// Looks at a manager's home.
struct HomeReader {
    let files: HostFiles
    let probes: KernelProbes

    /// Those that nobody else should look into, and those that hold what is public.
    private static let folders: [(name: String, kind: PathFacts.Kind)] = [
        ("", .hidden), ("/run", .hidden), ("/logs", .hidden), ("/state", .hidden), ("/backups", .hidden),
        ("/certificates", .open),
    ]

    func read(_ home: String?) -> HomeFacts {
        guard let home else {
            return HomeFacts(folders: .absent, sockets: .absent, processes: .absent, volume: .absent)
        }
        let path = home.count > 1 && home.hasSuffix("/") ? String(home.dropLast()) : home
        return HomeFacts(
            folders: folders(path), parents: parents(path), files: trusted(path), sockets: sockets(path),
            processes: processes(path), volume: volume(path))
    }

    private func folders(_ home: String) -> Reading<[PathFacts]> {
        files.facts(home, followingLinks: true).map { _ in
            Self.folders.compactMap { look("\(home)\($0.name)", $0.kind, followingLinks: true) { $0.isFolder } }
        }
    }

    private func parents(_ home: String) -> [PathFacts] {
        var found: [PathFacts] = []
        var path = ""
        for name in home.split(separator: "/").dropLast().prefix(64) {
            path += "/\(name)"
            if let facts = look(path, .open, followingLinks: true, where: \.isFolder) { found.append(facts) }
        }
        return found
    }

    /// `config.json` is not among them: whoever reads it refuses one that others may write to.
    private func trusted(_ home: String) -> [PathFacts] {
        inside("\(home)/logs", .hidden) + inside("\(home)/certificates", .open) + inside("\(home)/run", .open)
    }

    private func inside(_ folder: String, _ kind: PathFacts.Kind) -> [PathFacts] {
        (files.names(folder).value ?? []).compactMap { look("\(folder)/\($0)", kind, where: \.isRegular) }
    }

    private func look(
        _ path: String, _ kind: PathFacts.Kind, followingLinks: Bool = false,
        where isWanted: (FileFacts) -> Bool
    ) -> PathFacts? {
        guard let facts = files.facts(path, followingLinks: followingLinks).value, isWanted(facts) else { return nil }
        return PathFacts(path: path, kind: kind, owner: facts.owner, permissions: facts.mode & 0o7777)
    }

    private func sockets(_ home: String) -> Reading<[SocketFacts]> {
        let found = files.names("\(home)/run").map { names in
            names.map { "\(home)/run/\($0)" }.filter { files.facts($0).value?.isSocket == true }
        }
        guard case .known(let paths) = found, !paths.isEmpty else { return found.flatMap { _ in .absent } }
        return .known(paths.map { SocketFacts(path: $0, answers: probes.answers(files.root + $0)) })
    }

    private func processes(_ home: String) -> Reading<[ProcessEntry]> {
        let lock = files.line("\(home)/run/manager.lock").value.flatMap { Int32($0) }
        return files.read("\(home)/run/processes", limit: 4_096).map { record in
            Parsers.processRecord(record).map { entry in
                let found = files.read("/proc/\(entry.pid)/stat", limit: 4_096).value.flatMap(Parsers.process)
                return ProcessEntry(
                    role: entry.role, pid: entry.pid, isRunning: found?.startTicks == entry.startTicks,
                    isSupervised: lock != nil && found?.parent == lock)
            }
        }
    }

    private func volume(_ home: String) -> Reading<VolumeFacts> {
        var path = "\(home)/logs"
        var found = statvfs()
        while statvfs(files.root + path, &found) != 0 {
            let code = errno
            guard code == ENOENT, let slash = path.lastIndex(of: "/"), !path.isEmpty else {
                return .unknown("\(path): \(words(code))")
            }
            path = slash == path.startIndex ? (path == "/" ? "" : "/") : String(path[..<slash])
        }
        let (free, overflow) = UInt64(found.f_bavail).multipliedReportingOverflow(by: UInt64(found.f_frsize))
        return .known(
            VolumeFacts(
                path: path, freeBytes: overflow ? .max : free, isReadOnly: found.f_flag & UInt(ST_RDONLY) != 0,
                logBytes: logBytes(home)))
    }

    private func logBytes(_ home: String) -> UInt64 {
        (files.names("\(home)/logs").value ?? []).reduce(0) { sum, name in
            var status = stat()
            guard lstat("\(files.root)\(home)/logs/\(name)", &status) == 0, status.st_size > 0 else { return sum }
            return sum &+ UInt64(status.st_size)
        }
    }
}
