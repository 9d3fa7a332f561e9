import CDTMLinux
import Glibc
import Testing

/// Sockets on loopback, all closed when the value is let go.
final class Loopback {
    let version: UInt8
    let listener: CInt
    let address: dtm_tcp_address
    private var opened: [CInt] = []

    init(version: UInt8, backlog: CInt = 16) {
        self.version = version
        let family = version == 4 ? AF_INET : AF_INET6
        let listener = socket(family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.listener = listener
        var any = Self.address(version: version, port: 0)
        #expect(Self.call(&any) { bind(listener, $0, $1) } == 0)
        #expect(listen(listener, backlog) == 0)
        address = Self.name(of: listener, version: version, getsockname)
    }

    deinit {
        for descriptor in opened + [listener] { close(descriptor) }
    }

    /// Connects; the descriptor, and what connect(2) said.
    func connect(waitingAtMost microseconds: Int? = nil) -> (descriptor: CInt, outcome: CInt) {
        let client = socket(version == 4 ? AF_INET : AF_INET6, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        opened.append(client)
        if let microseconds {
            var limit = timeval(tv_sec: 0, tv_usec: microseconds)
            setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var target = Self.address(version: version, port: address.port)
        let outcome = Self.call(&target) { Glibc.connect(client, $0, $1) }
        return (client, outcome == 0 ? 0 : errno)
    }

    func accept() -> CInt {
        let accepted = Glibc.accept(listener, nil, nil)
        if accepted >= 0 { opened.append(accepted) }
        return accepted
    }

    /// Closes one before its time.
    func shut(_ descriptor: CInt) {
        opened.removeAll { $0 == descriptor }
        close(descriptor)
    }

    func localAddress(of descriptor: CInt) -> dtm_tcp_address {
        Self.name(of: descriptor, version: version, getsockname)
    }

    private static func call(_ address: inout sockaddr_in6, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt)
        -> CInt
    {
        let length =
            CInt(address.sin6_family) == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }

    /// The loopback address, in the larger of the two structures: family and port stand at the same place in both.
    private static func address(version: UInt8, port: UInt16) -> sockaddr_in6 {
        var address = sockaddr_in6()
        address.sin6_port = port.bigEndian
        if version == 4 {
            address.sin6_family = sa_family_t(AF_INET)
            address.sin6_flowinfo = UInt32(0x7f00_0001).bigEndian
        } else {
            address.sin6_family = sa_family_t(AF_INET6)
            withUnsafeMutableBytes(of: &address.sin6_addr) { $0[15] = 1 }
        }
        return address
    }

    private static func name(
        of descriptor: CInt, version: UInt8,
        _ ask: (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) -> dtm_tcp_address {
        var name = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let outcome = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(descriptor, $0, &length) }
        }
        #expect(outcome == 0)
        var address = dtm_tcp_address()
        address.version = version
        address.port = UInt16(bigEndian: name.sin6_port)
        withUnsafeMutableBytes(of: &address.bytes) { bytes in
            if version == 4 {
                withUnsafeBytes(of: name.sin6_flowinfo) { bytes.copyMemory(from: $0) }
            } else {
                withUnsafeBytes(of: name.sin6_addr) { bytes.copyMemory(from: $0) }
            }
        }
        return address
    }
}

@Suite struct TCPShimTests {
    @Test("The accept queue of a listener is counted, and its limit told", arguments: [UInt8(4), 6])
    func queue(version: UInt8) {
        let loopback = Loopback(version: version, backlog: 16)
        var (waiting, backlog) = (UInt32.max, UInt32.max)
        #expect(dtm_tcp_queue(loopback.listener, &waiting, &backlog) == 0)
        #expect(waiting == 0 && backlog == 16)
        for _ in 0..<3 { #expect(loopback.connect().outcome == 0) }
        #expect(dtm_tcp_queue(loopback.listener, &waiting, &backlog) == 0)
        #expect(waiting == 3)
        #expect(loopback.accept() >= 0)
        #expect(dtm_tcp_queue(loopback.listener, &waiting, &backlog) == 0)
        #expect(waiting == 2)
    }

    @Test("A socket that does not listen has no queue")
    func noQueue() {
        let loopback = Loopback(version: 4)
        var (waiting, backlog) = (UInt32(0), UInt32(0))
        #expect(dtm_tcp_queue(loopback.connect().descriptor, &waiting, &backlog) == -EINVAL)
        #expect(dtm_tcp_queue(-1, &waiting, &backlog) == -EBADF)
    }

    @Test("Behind the filter nobody new gets in, and who waits is still served", arguments: [UInt8(4), 6])
    func filter(version: UInt8) {
        let loopback = Loopback(version: version)
        let early = loopback.connect()
        #expect(early.outcome == 0)
        #expect(dtm_syn_filter(loopback.listener) == 0)
        // Not refused, not established: it waits for an answer that does not come.
        let late = loopback.connect(waitingAtMost: 150_000)
        #expect(late.outcome == EINPROGRESS)
        var (waiting, backlog) = (UInt32(0), UInt32(0))
        #expect(dtm_tcp_queue(loopback.listener, &waiting, &backlog) == 0)
        #expect(waiting == 1)
        let accepted = loopback.accept()
        #expect(accepted >= 0)
        #expect(send(early.descriptor, "ping", 4, CInt(MSG_NOSIGNAL)) == 4)
        var answer = [UInt8](repeating: 0, count: 4)
        #expect(recv(accepted, &answer, 4, CInt(MSG_WAITALL)) == 4)
        #expect(answer == Array("ping".utf8))
        #expect(send(accepted, "pong", 4, CInt(MSG_NOSIGNAL)) == 4)
        loopback.shut(accepted)
        #expect(recv(early.descriptor, &answer, 4, CInt(MSG_WAITALL)) == 4)
        #expect(answer == Array("pong".utf8))
        #expect(recv(early.descriptor, &answer, 4, 0) == 0, "an orderly end passes, too")
    }

    @Test("A filter needs a socket")
    func filterFails() {
        #expect(dtm_syn_filter(-1) == -EBADF)
    }
}

@Suite struct LookUpShimTests {
    private func lookUp(_ local: dtm_tcp_address, _ remote: dtm_tcp_address, uid: inout UInt32, inode: inout UInt32)
        -> CInt
    {
        let diag = dtm_sock_diag_open()
        #expect(diag >= 0)
        defer { close(diag) }
        var (local, remote) = (local, remote)
        return dtm_lookup_loopback_owner(diag, &local, &remote, &uid, &inode)
    }

    @Test("Who connects is known by the kernel: the user and the socket's inode", arguments: [UInt8(4), 6])
    func owner(version: UInt8) {
        let loopback = Loopback(version: version)
        let client = loopback.connect()
        #expect(loopback.accept() >= 0)
        var (uid, inode) = (UInt32.max, UInt32(0))
        #expect(lookUp(loopback.localAddress(of: client.descriptor), loopback.address, uid: &uid, inode: &inode) == 0)
        var information = stat()
        #expect(fstat(client.descriptor, &information) == 0)
        #expect(uid == getuid())
        #expect(UInt64(inode) == UInt64(information.st_ino))
    }

    @Test("One socket serves many look-ups, whether they find something or not")
    func reuse() {
        let loopback = Loopback(version: 4)
        let diag = dtm_sock_diag_open()
        defer { close(diag) }
        var remote = loopback.address
        for _ in 0..<20 {
            let client = loopback.connect()
            #expect(loopback.accept() >= 0)
            var local = loopback.localAddress(of: client.descriptor)
            var (uid, inode) = (UInt32.max, UInt32(0))
            #expect(dtm_lookup_loopback_owner(diag, &local, &remote, &uid, &inode) == 0)
            #expect(uid == getuid() && inode != 0)
            local.port = 1
            #expect(dtm_lookup_loopback_owner(diag, &local, &remote, &uid, &inode) == -ENOENT)
        }
    }

    @Test("A listener is never taken for the owner of a connection that does not exist", arguments: [UInt8(4), 6])
    func noListener(version: UInt8) {
        let loopback = Loopback(version: version)
        var other = loopback.address
        other.port = 1
        var (uid, inode) = (UInt32(77), UInt32(77))
        #expect(lookUp(loopback.address, other, uid: &uid, inode: &inode) == -ENOENT)
        #expect(uid == 77 && inode == 77)
    }

    @Test("A connection that no process holds any more is nobody's, not root's", arguments: [UInt8(4), 6])
    func orphan(version: UInt8) {
        let loopback = Loopback(version: version)
        let client = loopback.connect()
        let accepted = loopback.accept()
        let address = loopback.localAddress(of: client.descriptor)
        // Closed first, and the other side still open: FIN_WAIT2 without a process.
        loopback.shut(client.descriptor)
        var (uid, inode) = (UInt32(77), UInt32(77))
        #expect(lookUp(address, loopback.address, uid: &uid, inode: &inode) == -ENOTCONN)
        loopback.shut(accepted)
        // Now TIME_WAIT.
        #expect(lookUp(address, loopback.address, uid: &uid, inode: &inode) == -ENOTCONN)
        #expect(uid == 77 && inode == 77)
    }

    @Test("Addresses of no version or of two are refused, and a closed socket, too")
    func invalid() {
        let loopback = Loopback(version: 4)
        var six = loopback.address
        six.version = 6
        var none = loopback.address
        none.version = 0
        var (uid, inode) = (UInt32(0), UInt32(0))
        #expect(lookUp(loopback.address, six, uid: &uid, inode: &inode) == -EINVAL)
        #expect(lookUp(none, none, uid: &uid, inode: &inode) == -EINVAL)
        var address = loopback.address
        #expect(dtm_lookup_loopback_owner(-1, &address, &address, &uid, &inode) == -EBADF)
    }

    @Test("No handshake is under way with a listener that has only complete connections", arguments: [UInt8(4), 6])
    func handshakes(version: UInt8) {
        let loopback = Loopback(version: version)
        for _ in 0..<3 { #expect(loopback.connect().outcome == 0) }
        let diag = dtm_sock_diag_open()
        defer { close(diag) }
        var address = loopback.address
        var count = UInt32.max
        #expect(dtm_count_handshakes(diag, &address, &count) == 0)
        #expect(count == 0)
    }
}
