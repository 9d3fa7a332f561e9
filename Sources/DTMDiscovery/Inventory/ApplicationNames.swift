/// What a program is called.
enum ApplicationNames {
    /// The executable's base name; the kernel's name where the path is not known, and where one executable goes by
    /// several names: Debian's redis-server is a link to redis-check-rdb. The kernel's name ends after 15 bytes
    /// (`proc(5)`, comm).
    static func own(executable: String?, name: String) -> String {
        guard let executable, let last = executable.split(separator: "/").last else { return name }
        let base = ByteFields.printable(last.utf8)
        let isLinked = !base.hasPrefix(name) && name.utf8.count < 15 && isProgramName(name)
        let sharesFamily = base.prefix { $0 != "-" } == name.prefix { $0 != "-" }
        return isLinked && sharesFamily ? name : base
    }

    private static func isProgramName(_ name: String) -> Bool {
        name.contains("-")
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || byte == UInt8(ascii: "-")
            }
    }

    /// The kernel marks an executable that was replaced on the disk, as by an upgrade.
    static func withoutDeletion(_ path: String) -> String {
        let mark = " (deleted)"
        return path.hasSuffix(mark) ? String(path.dropLast(mark.count)) : path
    }
}
