public import DTMCore

/// How many backups are kept.
public struct BackupRetention: Hashable, Sendable {
    /// The most; at least 1.
    public var count: Int
    /// Older ones go, but never the newest.
    public var age: Duration

    public init(count: Int, age: Duration) {
        self.count = max(1, count)
        self.age = age
    }
}

/// The backups of a home: `backups/dtm-GENERATION-TIME.pgp`, the time in seconds since 1970.
public struct BackupFolder: Sendable {
    private let folder: StateFolder
    private let openPGP: any OpenPGPProvider

    /// One backup as its name says.
    public struct Entry: Hashable, Sendable {
        public var name: String
        public var generation: UInt64
        public var writtenAt: Timestamp
    }

    public init(_ place: StatePlace, openPGP: any OpenPGPProvider) throws(StateError) {
        folder = try StateFolder(place.backups, creating: true)
        self.openPGP = openPGP
        folder.removeTemporary()
    }

    public var path: String { folder.path }

    /// The oldest first.
    public func entries() throws(StateError) -> [Entry] {
        try folder.names().compactMap(Self.entry).sorted {
            ($0.writtenAt, $0.generation) < ($1.writtenAt, $1.generation)
        }
    }

    static func name(_ generation: UInt64, _ at: Timestamp) -> String {
        "dtm-\(generation)-\(at.nanoseconds / 1_000_000_000).pgp"
    }

    static func entry(_ name: String) -> Entry? {
        let parts = name.dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
        guard name.hasPrefix("dtm-"), name.hasSuffix(".pgp"), parts.count == 3, let generation = UInt64(parts[1]),
            let seconds = Int64(parts[2]), seconds >= 0, seconds < 1 << 33
        else { return nil }
        let at = Timestamp(seconds: seconds)
        return Self.name(generation, at) == name ? Entry(name: name, generation: generation, writtenAt: at) : nil
    }

    /// Writes one, reads it again, and takes those away that are too many or too old.
    ///
    /// - Returns: What was written, and what was taken away.
    public func write(
        _ backup: Backup, to key: OpenPGPPublicKey, keeping retention: BackupRetention
    ) throws(StateError) -> (written: Entry, removed: [Entry]) {
        let name = Self.name(backup.generation, backup.writtenAt)
        guard let entry = Self.entry(name) else {
            throw StateError(
                .malformed, "a backup of \(backup.writtenAt) can't be named", hint: "set this host's clock")
        }
        let message = try backup.message(to: key, openPGP)
        try folder.write(name, message)
        guard try folder.read(name, atMost: Backup.maximumFile) == message else {
            throw .damaged(.modified, name, "the disk gives back another content than was written")
        }
        return (entry, prune(keeping: retention, written: entry))
    }

    /// The one just written stays, and so do those from after it: a clock that was set back, or a file that somebody
    /// named after next year, must not make the real ones go.
    private func prune(keeping retention: BackupRetention, written: Entry) -> [Entry] {
        guard let entries = try? entries() else { return [] }
        let older = entries.filter { $0 != written && $0.writtenAt <= written.writtenAt }
        let tooMany = Set(older.dropLast(retention.count - 1))
        return older.filter { tooMany.contains($0) || written.writtenAt - $0.writtenAt > retention.age }.filter {
            (try? folder.erase($0.name)) != nil
        }
    }

    /// What gpg opens.
    public func read(_ entry: Entry) throws(StateError) -> [UInt8] {
        try folder.read(entry.name, atMost: Backup.maximumFile)
    }
}
