import CDTMLinux
import Glibc

/// Reads of `/proc` with nothing made anew: one buffer, one place for paths, folders held open by descriptor.
///
/// For whoever looks at thousands of processes again and again; ``ProcessFileSystem`` is for a single look. One thread
/// at a time.
struct ProcfsReader: ~Copyable {
    typealias Failure = ProcessFileSystem.Failure

    let root: String
    private let descriptor: Int32
    /// What was read last; ``count`` bytes of it count.
    private(set) var buffer = [UInt8](repeating: 0, count: bufferBytes)
    private(set) var count = 0
    /// Makes chosen paths fail with an error number: for tests, which run with rights that nothing is kept from.
    var fault: (@Sendable (_ path: String) -> Int32?)?

    private static let bufferBytes = 1 << 15
    /// The most descriptors of one process that are looked at.
    static let maximumDescriptors = 1 << 17

    /// The folder of one process, held open: all that is read through it is of the same process, and fails once that is
    /// gone, even if its PID is in use again.
    struct Folder: ~Copyable {
        let pid: Int32
        fileprivate let descriptor: Int32

        deinit { close(descriptor) }
    }

    /// - Throws: `Failure` when there is no such folder.
    init(root: String = "/proc") throws(Failure) {
        self.root = root
        descriptor = Glibc.open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(errno) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The bytes of the last read, copied.
    var bytes: [UInt8] { Array(buffer[..<count]) }

    /// Calls `body` with the PID of each process and with a hint: it changes when another process gets the same PID.
    ///
    /// The hint is the inode of the folder, which the kernel makes up when somebody looks. It may change for other
    /// reasons as well.
    mutating func processes(_ body: (_ pid: Int32, _ hint: UInt64) -> Void) throws(Failure) {
        try failIfAsked("")
        guard lseek(descriptor, 0, Int32(SEEK_SET)) >= 0 else { throw Failure(errno) }
        try Self.entries(of: descriptor, &buffer, body)
    }

    /// What `/proc/loadavg` says of the number of tasks and of the PID that was given out last (`proc_loadavg(5)`): while both stay the
    /// same, no process began and none ended. Nil where that is not told.
    mutating func taskMark() -> ArraySlice<UInt8>? {
        let opened = Self.withName("loadavg") { Int(openat(descriptor, $0, O_RDONLY | O_CLOEXEC)) }
        do throws(Failure) { try fill(opened) } catch { return nil }
        let fields = buffer[..<count].split(separator: UInt8(ascii: " "))
        guard fields.count == 5, let tasks = fields[3].split(separator: UInt8(ascii: "/")).last else { return nil }
        return tasks + [UInt8(ascii: " ")] + fields[4]
    }

    /// Opens a process's folder.
    func folder(_ pid: Int32) throws(Failure) -> Folder {
        if fault != nil { try failIfAsked("\(pid)") }
        let opened = Self.withPath(pid, "") { Int(openat(descriptor, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) }
        guard opened >= 0 else { throw Failure(errno) }
        return Folder(pid: pid, descriptor: Int32(opened))
    }

    /// Reads a file of a process into the buffer; what is longer than the buffer is left unread.
    mutating func read(_ pid: Int32, _ name: StaticString) throws(Failure) {
        if fault != nil { try failIfAsked("\(pid)/\(name)") }
        try fill(Self.withPath(pid, name) { Int(openat(descriptor, $0, O_RDONLY | O_CLOEXEC | O_NOCTTY)) })
    }

    /// Reads a file of a process whose folder is open.
    mutating func read(_ folder: borrowing Folder, _ name: StaticString) throws(Failure) {
        if fault != nil { try failIfAsked("\(folder.pid)/\(name)") }
        try fill(Self.withName(name) { Int(openat(folder.descriptor, $0, O_RDONLY | O_CLOEXEC | O_NOCTTY)) })
    }

    /// Opens what a symbolic link of a process leads to, even if it has no name any more. The descriptor is the caller's.
    func open(_ folder: borrowing Folder, _ name: StaticString) throws(Failure) -> Int32 {
        if fault != nil { try failIfAsked("\(folder.pid)/\(name)") }
        let opened = Self.withName(name) { Int(openat(folder.descriptor, $0, O_RDONLY | O_CLOEXEC | O_NOCTTY)) }
        guard opened >= 0 else { throw Failure(errno) }
        return Int32(opened)
    }

    /// Where a symbolic link of a process leads, into the buffer.
    mutating func link(_ folder: borrowing Folder, _ name: StaticString) throws(Failure) {
        if fault != nil { try failIfAsked("\(folder.pid)/\(name)") }
        let place = folder.descriptor
        let length = buffer.withUnsafeMutableBytes { buffer in
            Self.withName(name) { path in Self.readLink(place, path, buffer) }
        }
        guard length >= 0 else { throw Failure(errno) }
        count = length
    }
}

extension ProcfsReader {
    /// A socket that a process holds.
    struct HeldSocket: Hashable, Comparable {
        var inode: UInt64
        var descriptor: Int32

        static func < (left: Self, right: Self) -> Bool {
            (left.inode, left.descriptor) < (right.inode, right.descriptor)
        }
    }

    /// Appends the sockets that a process holds, and returns how many descriptors it has.
    ///
    /// - Parameter open: The numbers that were open at the last look; brought up to date.
    mutating func sockets(
        _ folder: borrowing Folder, open: inout DescriptorSet, into sockets: inout [HeldSocket]
    ) throws(Failure) -> Int {
        if fault != nil { try failIfAsked("\(folder.pid)/fd") }
        let place = openat(folder.descriptor, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard place >= 0 else { throw Failure(errno) }
        defer { close(place) }
        var scan = DescriptorScan(place: place, pid: folder.pid, fault: fault)
        if !scan.probe(&open, into: &sockets) {
            scan = DescriptorScan(place: place, pid: folder.pid, fault: fault)
            open.removeAll()
            try Self.entries(of: place, &buffer) { descriptor, _ in
                if scan.look(at: descriptor, into: &sockets) { open.insert(descriptor) }
            }
        }
        if scan.wasDenied { throw .notPermitted }
        return scan.found
    }

    /// How many descriptors a process has, at a twentieth of what it costs to look at them; nil where the kernel does not tell,
    /// as before 6.2.
    func descriptorCount(_ pid: Int32) -> Int? {
        if let fault, fault("\(pid)/fd") != nil { return nil }
        var status = stat()
        return Self.withPath(pid, "fd") { Int(fstatat(descriptor, $0, &status, 0)) } == 0
            ? DescriptorScan.total(status) : nil
    }

    /// Whether a descriptor of a process still is this socket.
    func holds(_ pid: Int32, _ descriptor: Int32, inode: UInt64) -> Bool {
        if let fault, fault("\(pid)/fd/\(descriptor)") != nil { return false }
        return Self.withTarget { target in
            let length = Self.withPath(pid, "fd", descriptor) { Self.readLink(self.descriptor, $0, target) }
            guard length > 0 else { return false }
            return SocketLink.inode(UnsafeRawBufferPointer(rebasing: target[..<length]).bytes) == inode
        }
    }

    /// Nil for what is no socket, and for what can't be read: then with the error number.
    static func socket(_ place: Int32, _ descriptor: Int32, _ code: inout Int32) -> UInt64? {
        withTarget { target in
            let length = withPath(descriptor, "") { readLink(place, $0, target) }
            if length < 0 { code = errno }
            guard length > 0 else { return nil }
            return SocketLink.inode(UnsafeRawBufferPointer(rebasing: target[..<length]).bytes)
        }
    }
}

extension ProcfsReader {
    private static func entries(
        of place: Int32, _ buffer: inout [UInt8], _ body: (Int32, UInt64) -> Void
    ) throws(Failure) {
        while true {
            let length = buffer.withUnsafeMutableBytes { dtm_directory_entries(place, $0.baseAddress, $0.count) }
            guard length >= 0 else { throw Failure(Int32(-length)) }
            if length == 0 { return }
            DirectoryEntries.forEachNumber(buffer.span.bytes.extracting(first: min(length, buffer.count)), body)
        }
    }

    private mutating func fill(_ outcome: Int) throws(Failure) {
        guard outcome >= 0 else { throw Failure(errno) }
        let opened = Int32(outcome)
        defer { close(opened) }
        count = 0
        while count < buffer.count {
            let start = count
            let length = buffer.withUnsafeMutableBytes { buffer in
                Glibc.read(opened, buffer.baseAddress?.advanced(by: start), buffer.count - start)
            }
            if length < 0, errno == EINTR { continue }
            guard length >= 0 else { throw Failure(errno) }
            count += length
            // Files of /proc that fit come in one piece, so the end need not be asked for.
            if length == 0 || count < Self.onePiece { return }
        }
    }

    /// The kernel makes most files of /proc a page at a time.
    private static let onePiece = 4_096 - 256

    private func failIfAsked(_ path: String) throws(Failure) {
        if let code = fault?(path) { throw Failure(code) }
    }

    private static func readLink(
        _ place: Int32, _ path: UnsafePointer<CChar>, _ target: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard let start = target.baseAddress else { return 0 }
        return readlinkat(place, path, start.assumingMemoryBound(to: CChar.self), target.count)
    }

    /// Room for what the link of a socket says.
    private static func withTarget<Result, Failed: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failed) -> Result
    ) throws(Failed) -> Result {
        let outcome = withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) {
            target -> Swift.Result<Result, Failed> in
            do throws(Failed) { return .success(try body(target)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    private static func withName(_ name: StaticString, _ body: (UnsafePointer<CChar>) -> Int) -> Int {
        name.withUTF8Buffer { bytes in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { path in
                for (index, byte) in bytes.enumerated() { path[index] = CChar(bitPattern: byte) }
                path[bytes.count] = 0
                return path.baseAddress.map { body(UnsafePointer($0)) } ?? -1
            }
        }
    }

    /// `NUMBER`, `NUMBER/NAME` or `NUMBER/NAME/NUMBER`.
    private static func withPath(
        _ number: Int32, _ name: StaticString, _ last: Int32? = nil, _ body: (UnsafePointer<CChar>) -> Int
    ) -> Int {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.utf8CodeUnitCount + 32) { path in
            var end = write(number, path, at: 0)
            if name.utf8CodeUnitCount > 0 {
                path[end] = CChar(bitPattern: UInt8(ascii: "/"))
                end += 1
                name.withUTF8Buffer { bytes in
                    for byte in bytes {
                        path[end] = CChar(bitPattern: byte)
                        end += 1
                    }
                }
            }
            if let last {
                path[end] = CChar(bitPattern: UInt8(ascii: "/"))
                end = write(last, path, at: end + 1)
            }
            path[end] = 0
            return path.baseAddress.map { body(UnsafePointer($0)) } ?? -1
        }
    }

    private static func write(_ number: Int32, _ path: UnsafeMutableBufferPointer<CChar>, at start: Int) -> Int {
        var rest = number.magnitude
        var end = start
        repeat {
            path[end] = CChar(bitPattern: UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
            end += 1
        } while rest > 0
        path[start..<end].reverse()
        return end
    }
}
