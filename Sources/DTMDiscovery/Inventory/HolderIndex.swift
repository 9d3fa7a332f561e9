/// A process that holds a socket, and under which descriptor.
struct Holder: Hashable {
    var process: ProcessIdentity
    var descriptor: Int32
}

/// Which processes hold which sockets: several may hold one, by fork or by SCM_RIGHTS (`unix(7)`).
///
/// Most sockets have one holder; only for the others a list is made.
struct HolderIndex {
    private var first: [UInt64: Holder] = [:]
    private var others: [UInt64: [Holder]] = [:]
    let limit: Int
    /// Whether holders were left out because of `limit`.
    private(set) var wasTruncated = false

    init(limit: Int) { self.limit = limit }

    func isHeld(_ inode: UInt64) -> Bool { first[inode] != nil }

    /// The holders of a socket, one for each process, the earliest process first.
    func holders(_ inode: UInt64) -> [Holder] {
        guard let holder = first[inode] else { return [] }
        guard let more = others[inode] else { return [holder] }
        return ([holder] + more).sorted {
            ($0.process.startTicks, $0.process.pid) < ($1.process.startTicks, $1.process.pid)
        }
    }

    /// The earliest of the holders.
    func earliest(_ inode: UInt64) -> Holder? {
        others[inode] == nil ? first[inode] : holders(inode).first
    }

    /// Adds a holder; a process that holds a socket twice counts once.
    mutating func add(_ inode: UInt64, _ holder: Holder) {
        guard let known = first[inode] else {
            if first.count < limit { first[inode] = holder } else { wasTruncated = true }
            return
        }
        if known.process == holder.process {
            first[inode] = holder
        } else if let position = others[inode]?.firstIndex(where: { $0.process == holder.process }) {
            others[inode]?[position] = holder
        } else if others[inode]?.count ?? 0 < 1_024 {
            others[inode, default: []].append(holder)
        } else {
            wasTruncated = true
        }
    }

    mutating func remove(_ inode: UInt64, _ process: ProcessIdentity) {
        if first[inode]?.process == process {
            first[inode] = others[inode]?.popLast()
        } else {
            others[inode]?.removeAll { $0.process == process }
        }
        if others[inode]?.isEmpty ?? false { others[inode] = nil }
    }
}
