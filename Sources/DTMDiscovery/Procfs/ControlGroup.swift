/// `/proc/PID/cgroup` (`cgroups(7)`).
enum ControlGroup {
    /// The path in the unified hierarchy; systemd's where the unified one is not used; `/` when nothing is told.
    static func path(_ bytes: [UInt8]) -> String {
        var unified: String?
        var named: String?
        ByteFields.forEachLine(bytes, limit: 64) { line in
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].first == UInt8(ascii: "/") else { return }
            if parts[1].isEmpty, parts[2].count > 1 { unified = ByteFields.printable(parts[2]) }
            if parts[1].elementsEqual("name=systemd".utf8) { named = ByteFields.printable(parts[2]) }
        }
        return unified ?? named ?? "/"
    }

    /// The systemd service that a path belongs to, as `nginx.service`: all of its processes are one application. Nil
    /// for sessions, for a user's manager as a whole, and outside systemd.
    static func service(_ path: String) -> String? {
        let unit = path.split(separator: "/").last { $0.hasSuffix(".service") }
        guard let unit, !unit.hasPrefix("user@") else { return nil }
        return String(unit)
    }
}
