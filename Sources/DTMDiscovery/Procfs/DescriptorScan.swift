import Glibc

/// One look at the descriptors of one process.
struct DescriptorScan {
    let place: Int32
    let pid: Int32
    let fault: (@Sendable (_ path: String) -> Int32?)?
    var found = 0
    /// The folder may be open to whom the links in it are not.
    var wasDenied = false

    /// How many numbers are tried in vain before the folder is listed.
    private static let maximumMisses = 8

    init(place: Int32, pid: Int32, fault: (@Sendable (_ path: String) -> Int32?)?) {
        self.place = place
        self.pid = pid
        self.fault = fault
    }

    /// How many descriptors the kernel says there are; nil where it does not.
    static func total(_ folder: stat) -> Int? {
        // In a copy of /proc the size of a folder means something else.
        folder.st_size > 0 && folder.st_blocks == 0 && folder.st_nlink == 2 ? Int(folder.st_size) : nil
    }

    /// Tries the numbers that were open last time, then the lowest others, which the kernel gives out first (`open(2)`), until as many
    /// are found as there are. False when that takes too many guesses, and then nothing was appended.
    ///
    /// The kernel tells how many there are as the size of the folder since 6.2. Trying a name costs less than having the folder
    /// listed and then trying it, and when the number is right none was overlooked.
    mutating func probe(_ open: inout DescriptorSet, into sockets: inout [ProcfsReader.HeldSocket]) -> Bool {
        var status = stat()
        guard fstat(place, &status) == 0, let total = Self.total(status), total <= DescriptorSet.capacity else {
            return false
        }
        let start = sockets.count
        var misses = 0
        for word in open.words.indices {
            var bits = open.words[word]
            while bits != 0 {
                let descriptor = Int32(word * 64 + bits.trailingZeroBitCount)
                bits &= bits - 1
                if !look(at: descriptor, into: &sockets) { open.remove(descriptor) }
            }
        }
        var descriptor: Int32 = 0
        while found < total, misses < Self.maximumMisses, descriptor < DescriptorSet.capacity {
            defer { descriptor += 1 }
            // Those that are in the set were found just now.
            if open.contains(descriptor) { continue }
            if look(at: descriptor, into: &sockets) { open.insert(descriptor) } else { misses += 1 }
        }
        if found == total { return true }
        sockets.removeSubrange(start...)
        return false
    }

    /// - Returns: Whether the descriptor is open.
    mutating func look(at descriptor: Int32, into sockets: inout [ProcfsReader.HeldSocket]) -> Bool {
        guard found < ProcfsReader.maximumDescriptors else { return false }
        var code = fault?("\(pid)/fd/\(descriptor)") ?? 0
        let inode = code == 0 ? ProcfsReader.socket(place, descriptor, &code) : nil
        if code == ENOENT { return false }
        found += 1
        if code == EACCES || code == EPERM { wasDenied = true }
        if let inode { sockets.append(ProcfsReader.HeldSocket(inode: inode, descriptor: descriptor)) }
        return true
    }
}

/// The numbers of open descriptors, as far as they are small.
struct DescriptorSet {
    private(set) var words: [UInt64] = []

    /// Larger numbers are left out.
    static let capacity = 1_024

    func contains(_ descriptor: Int32) -> Bool {
        let word = Int(descriptor) / 64
        return word < words.count && words[word] & 1 << UInt64(descriptor % 64) != 0
    }

    mutating func insert(_ descriptor: Int32) {
        guard descriptor >= 0, descriptor < Self.capacity else { return }
        let word = Int(descriptor) / 64
        while words.count <= word { words.append(0) }
        words[word] |= 1 << UInt64(descriptor % 64)
    }

    mutating func remove(_ descriptor: Int32) {
        let word = Int(descriptor) / 64
        if word < words.count { words[word] &= ~(1 << UInt64(descriptor % 64)) }
    }

    mutating func removeAll() { words.removeAll() }
}
