import DTMCore

/// The names of what a recovery put away: `set-aside-TIME-` and the name that the file had. Nothing reads it; it is there
/// for who wants to know what happened.
enum SetAsideName {
    private static let prefix = "set-aside-"

    /// How many are kept, the newest: five recoveries over three generations of two files.
    static let maximumKept = 30
    /// How long one is kept.
    static let maximumAge = Duration.seconds(90 * 86_400)

    static func make(_ name: String, _ moment: UInt64) -> String { "\(prefix)\(moment)-\(name)" }

    /// When a file was set aside, in nanoseconds since 1970; nil for other files.
    static func moment(of name: String) -> UInt64? {
        guard name.hasPrefix(prefix) else { return nil }
        let parts = name.dropFirst(prefix.count).split(separator: "-", maxSplits: 1)
        guard parts.count == 2, let moment = UInt64(parts[0]) else { return nil }
        let original = String(parts[1])
        guard GenerationName.ofHead(original) != nil || GenerationName.ofContent(original) != nil else { return nil }
        return moment
    }

    /// Those that are not kept any longer. One from the future is told from the others by number alone: the clock may
    /// have been set back.
    static func expired(_ names: [String], at now: Timestamp) -> [String] {
        let oldest = now - maximumAge
        let aside = names.compactMap { name in moment(of: name).map { (name: name, moment: $0) } }
            .sorted { ($0.moment, $0.name) > ($1.moment, $1.name) }
        return aside.enumerated().filter { index, file in
            index >= maximumKept || Timestamp(nanoseconds: Int64(clamping: file.moment)) < oldest
        }.map(\.element.name)
    }
}
