import DTMCore

/// The sockets of one kind, by inode, brought up to date by one list after the other.
struct SocketRegistry {
    struct Entry {
        var row: SocketRow
        /// The list that it was last in.
        var seen: UInt64
    }

    private(set) var entries: [UInt64: Entry] = [:]
    private var list: UInt64 = 0
    let limit: Int
    private(set) var wasTruncated = false
    /// What the last update brought.
    private(set) var added: [SocketRow] = []
    /// What the last update took away.
    private(set) var removed: [SocketRow] = []

    init(limit: Int) { self.limit = limit }

    subscript(inode: UInt64) -> SocketRow? { entries[inode]?.row }

    /// Takes over a list.
    ///
    /// - Parameter isComplete: False when rows may be missing in it: what is not in it then stays.
    mutating func update(_ rows: some Sequence<SocketRow>, isComplete: Bool) {
        added.removeAll(keepingCapacity: true)
        removed.removeAll(keepingCapacity: true)
        list += 1
        var matched = 0
        for row in rows where row.inode != 0 {
            guard let index = entries.index(forKey: row.inode) else {
                insert(row)
                matched += 1
                continue
            }
            if entries.values[index].seen != list { matched += 1 }
            replace(at: index, with: row)
        }
        if isComplete, entries.count > matched { sweep() }
    }

    private mutating func insert(_ row: SocketRow) {
        guard entries.count < limit else {
            wasTruncated = true
            return
        }
        entries[row.inode] = Entry(row: row, seen: list)
        added.append(row)
    }

    private mutating func replace(at index: Dictionary<UInt64, Entry>.Index, with row: SocketRow) {
        entries.values[index].seen = list
        let known = entries.values[index].row
        if Self.isSame(known, row) {
            entries.values[index].row.state = row.state
            entries.values[index].row.uid = row.uid
            if row.counters != nil { entries.values[index].row.counters = row.counters }
            return
        }
        // The inode is in use again, or the socket was bound or connected anew.
        removed.append(known)
        added.append(row)
        entries.values[index].row = row
    }

    private mutating func sweep() {
        for entry in entries.values where entry.seen != list { removed.append(entry.row) }
        for row in removed where entries[row.inode]?.seen != list { entries[row.inode] = nil }
        wasTruncated = wasTruncated && entries.count >= limit
    }

    private static func isSame(_ known: SocketRow, _ row: SocketRow) -> Bool {
        known.cookie == row.cookie && known.local == row.local && known.remote == row.remote
            && known.transport == row.transport
    }
}

/// The Unix listeners, by inode, brought up to date by one list after the other.
struct UnixRegistry {
    private var entries: [UInt64: (row: UnixListenerRow, seen: UInt64)] = [:]
    private var list: UInt64 = 0
    private(set) var added: [UnixListenerRow] = []
    private(set) var removed: [UnixListenerRow] = []

    subscript(inode: UInt64) -> UnixListenerRow? { entries[inode]?.row }
    var rows: some Sequence<UnixListenerRow> { entries.values.lazy.map(\.row) }

    /// As ``SocketRegistry/update(_:isComplete:)``; the list itself is bounded.
    mutating func update(_ rows: [UnixListenerRow], isComplete: Bool) {
        added.removeAll(keepingCapacity: true)
        removed.removeAll(keepingCapacity: true)
        list += 1
        for row in rows {
            if let known = entries[row.inode]?.row, known != row { removed.append(known) }
            if entries[row.inode]?.row != row { added.append(row) }
            entries[row.inode] = (row, list)
        }
        guard isComplete, entries.count > rows.count else { return }
        let gone = entries.values.filter { $0.seen != list }.map(\.row)
        for row in gone { entries[row.inode] = nil }
        removed += gone
    }
}
