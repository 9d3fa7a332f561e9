/// Makes sense of the texts of `/proc`. What makes none is left out.
enum Parsers {
    /// Of `CapEff:` in `/proc/PID/status` (`proc_pid_status(5)`).
    static func effectiveCapabilities(_ status: [UInt8]) -> Capabilities? {
        for line in lines(status) where line.hasPrefix("CapEff:") {
            guard let digits = fields(line).dropFirst().first else { return nil }
            return UInt64(digits, radix: 16).map(Capabilities.init(rawValue:))
        }
        return nil
    }

    /// The options of what is mounted last at `/proc`, from `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`): those of
    /// the mount and those of the file system, which stand after a dash.
    static func procOptions(_ table: [UInt8]) -> [String]? {
        var options: [String]?
        for line in lines(table) {
            let all = fields(line)
            guard all.count > 5, all[4] == "/proc", let dash = all.firstIndex(of: "-"), all.count > dash + 3,
                all[dash + 1] == "proc"
            else { continue }
            options = (all[5].split(separator: ",") + all[dash + 3].split(separator: ",")).map(String.init)
        }
        return options
    }

    /// The paths in `/proc/swaps`, whose first line is a heading. The kernel writes blanks in a path as `\040`.
    static func swaps(_ table: [UInt8]) -> [String] {
        lines(table).dropFirst().compactMap { fields($0).first.map(String.init) }.filter { $0.hasPrefix("/") }
    }

    /// Those in the state LISTEN, from `/proc/net/tcp` or `tcp6` (`proc_pid_net(5)`).
    static func listeners(_ table: [UInt8]) -> [PortHolder] { lines(table, limit: 1 << 17).compactMap(listener) }

    private static func listener(_ line: Substring) -> PortHolder? {
        let all = fields(line)
        // 0A is LISTEN.
        guard all.count > 7, all[3] == "0A", let colon = all[1].lastIndex(of: ":"),
            let port = UInt16(all[1][all[1].index(after: colon)...], radix: 16), let uid = UInt32(all[7])
        else { return nil }
        return PortHolder(port: port, place: place(all[1][..<colon]), uid: uid)
    }

    /// The address in hexadecimal words, each in the machine's order of bytes.
    private static func place(_ address: Substring) -> PortHolder.Place {
        let localhost = String(UInt32(0x7f00_0001).bigEndian, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: 8 - localhost.utf8.count) + localhost
        if address.allSatisfy({ $0 == "0" }) { return .everywhere }
        return address == padded ? .localhost : .elsewhere
    }

    /// `32768\t60999`
    static func range(_ text: String) -> ClosedRange<UInt16>? {
        let ends = fields(text[...]).compactMap { UInt16($0) }
        guard ends.count == 2, ends[0] <= ends[1] else { return nil }
        return ends[0]...ends[1]
    }

    /// `5000-6000,8080`, as `net.ipv4.ip_local_reserved_ports` has them; a line may be empty.
    static func ranges(_ text: String) -> [ClosedRange<UInt16>] {
        text.split(separator: ",").compactMap { part in
            let ends = part.split(separator: "-").compactMap { UInt16($0) }
            guard let first = ends.first, let last = ends.last, ends.count <= 2, first <= last else { return nil }
            return first...last
        }
    }

    /// What a launcher wrote into `run/processes`: process, start in clock ticks, role.
    static func processRecord(_ bytes: [UInt8]) -> [(pid: Int32, startTicks: UInt64, role: String)] {
        lines(bytes, limit: 16).compactMap { line in
            let all = fields(line)
            guard all.count == 3, let pid = Int32(all[0]), pid > 1, let ticks = UInt64(all[1]),
                ["control", "dataplane"].contains(all[2])
            else { return nil }
            return (pid, ticks, String(all[2]))
        }
    }

    /// The parent and the start in clock ticks, from `/proc/PID/stat` (`proc_pid_stat(5)`); nil for one that has ended.
    static func process(_ stat: [UInt8]) -> (parent: Int32, startTicks: UInt64)? {
        let text = String(decoding: stat, as: UTF8.self)
        // The name in parentheses may hold anything, parentheses as well: the last one ends it.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let all = fields(text[text.index(after: end)...])
        guard all.count > 19, all[0] != "Z", all[0] != "X", let parent = Int32(all[1]), let ticks = UInt64(all[19])
        else { return nil }
        return (parent, ticks)
    }

    private static func lines(_ bytes: [UInt8], limit: Int = 1 << 14) -> [Substring] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n", maxSplits: limit).prefix(limit).map { $0 }
    }

    private static func fields(_ line: Substring) -> [Substring] {
        line.split { $0 == " " || $0 == "\t" }
    }
}
