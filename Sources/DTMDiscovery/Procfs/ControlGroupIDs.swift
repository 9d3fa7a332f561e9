import Glibc

/// Control groups by the number that the kernel puts on sockets: the inode of the group's folder in the unified hierarchy
/// (`cgroups(7)`; `INET_DIAG_CGROUP_ID`).
///
/// There is no way back from a number to a path without privileges (`open_by_handle_at(2)`), so this remembers the paths that
/// processes were seen in.
struct ControlGroupIDs {
    /// Where the unified hierarchy is mounted; nil: nowhere.
    private let mount: String?
    private let limit: Int
    private var ids: [String: UInt64?] = [:]
    private var paths: [UInt64: String] = [:]

    /// Where distributions mount it.
    static let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]

    init(candidates: [String] = mounts, limit: Int = 1 << 14) {
        self.limit = limit
        // Only the unified hierarchy has this file.
        mount = candidates.first { access("\($0)/cgroup.controllers", F_OK) == 0 }
    }

    /// The path of a group that was asked for by ``id(of:)`` before.
    func path(of id: UInt64) -> String? { paths[id] }

    /// The number of the group at a path of the unified hierarchy; nil when it is not there.
    mutating func id(of path: String) -> UInt64? {
        if let known = ids[path] { return known }
        guard let mount, ids.count < limit else { return nil }
        var status = stat()
        let id: UInt64? = stat(mount + path, &status) == 0 ? UInt64(status.st_ino) : nil
        ids[path] = .some(id)
        if let id { paths[id] = path }
        return id
    }

    /// Forgets the paths that no process is in any more, once there are many.
    mutating func prune(keeping isUsed: (String) -> Bool) {
        guard ids.count > limit / 2 else { return }
        ids = ids.filter { isUsed($0.key) }
        paths = paths.filter { isUsed($0.value) }
    }
}
