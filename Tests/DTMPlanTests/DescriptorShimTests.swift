import CDTMLinux
import Glibc
import Testing

@Suite struct DescriptorShimTests {
    /// Two connected sockets of whole messages, closed by the caller.
    private func pair() -> (CInt, CInt) {
        var sockets: [CInt] = [-1, -1]
        #expect(socketpair(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &sockets) == 0)
        return (sockets[0], sockets[1])
    }

    private func identity(_ descriptor: CInt) -> UInt64 {
        var information = stat()
        #expect(fstat(descriptor, &information) == 0)
        return UInt64(information.st_ino)
    }

    @Test("One byte and one descriptor arrive; the descriptor is another number for the same file")
    func oneDescriptor() {
        let (left, right) = pair()
        defer { [left, right].forEach { close($0) } }
        #expect(dtm_send_descriptor(left, 7, left) == 0)
        var byte: UInt8 = 0
        var received: CInt = -1
        #expect(dtm_receive_descriptor(right, &byte, 1, &received) == 1)
        #expect(byte == 7)
        #expect(received != left && received >= 0)
        #expect(identity(received) == identity(left))
        #expect(fcntl(received, F_GETFD) & FD_CLOEXEC != 0)
        close(received)
    }

    @Test("Without a descriptor the byte arrives alone; at the end there is none")
    func noDescriptor() {
        let (left, right) = pair()
        #expect(dtm_send_descriptor(left, 9, -1) == 0)
        close(left)
        var byte: UInt8 = 0
        var received: CInt = 5
        #expect(dtm_receive_descriptor(right, &byte, 1, &received) == 1)
        #expect(byte == 9 && received == -1)
        #expect(dtm_receive_descriptor(right, &byte, 1, &received) == 0)
        close(right)
    }

    @Test("More descriptors than one are refused and closed: as many as fit and more", arguments: [2, 8, 9, 40])
    func surplus(count: Int) {
        let (left, right) = pair()
        defer { [left, right].forEach { close($0) } }
        var carried: [CInt] = [-1, -1]
        #expect(pipe(&carried) == 0)
        send(Array(repeating: carried[1], count: count), over: left)
        close(carried[1])
        var byte: UInt8 = 0
        var received: CInt = -1
        #expect(dtm_receive_descriptor(right, &byte, 1, &received) == -Int(EPROTO))
        #expect(received == -1)
        // A pipe ends when the last descriptor of its writing end is closed.
        #expect(read(carried[0], &byte, 1) == 0)
        close(carried[0])
    }

    @Test("A message that is too long is refused, and its descriptor closed")
    func tooLong() {
        let (left, right) = pair()
        defer { [left, right].forEach { close($0) } }
        var carried: [CInt] = [-1, -1]
        #expect(pipe(&carried) == 0)
        send([carried[1]], over: left, bytes: [1, 2])
        close(carried[1])
        var byte: UInt8 = 0
        var received: CInt = -1
        #expect(dtm_receive_descriptor(right, &byte, 1, &received) == -Int(EMSGSIZE))
        #expect(received == -1)
        #expect(read(carried[0], &byte, 1) == 0)
        close(carried[0])
    }

    @Test("Failures are negated error numbers")
    func failures() {
        let (left, right) = pair()
        close(right)
        #expect(dtm_send_descriptor(left, 1, -1) == -EPIPE)
        #expect(dtm_send_descriptor(left, 1, 1_000_000) == -EBADF)
        #expect(dtm_send_descriptor(-1, 1, -1) == -EBADF)
        var byte: UInt8 = 0
        var received: CInt = 0
        #expect(dtm_receive_descriptor(-1, &byte, 1, &received) == -Int(EBADF))
        #expect(received == -1)
        close(left)
    }

    /// sendmsg(2) with any number of descriptors: the control message's header is its length, its level and its type.
    private func send(_ descriptors: [CInt], over socket: CInt, bytes: [UInt8] = [1]) {
        let headerBytes = 16
        let length = headerBytes + descriptors.count * 4
        var control = [UInt8](repeating: 0, count: (length + 7) / 8 * 8)
        control.withUnsafeMutableBytes { control in
            control.storeBytes(of: length, as: Int.self)
            control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: CInt.self)
            control.storeBytes(of: 1, toByteOffset: 12, as: CInt.self)
            for (index, descriptor) in descriptors.enumerated() {
                control.storeBytes(of: descriptor, toByteOffset: headerBytes + 4 * index, as: CInt.self)
            }
            var bytes = bytes
            let sent = bytes.withUnsafeMutableBytes { bytes in
                var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &part) { part in
                    var message = msghdr()
                    message.msg_iov = part
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    return sendmsg(socket, &message, 0)
                }
            }
            #expect(sent == bytes.count)
        }
    }
}

@Suite struct ProcessShimTests {
    @Test("The peer of a socket pair is this process")
    func credentials() {
        var sockets: [CInt] = [-1, -1]
        #expect(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &sockets) == 0)
        defer { sockets.forEach { close($0) } }
        var (pid, uid, gid) = (pid_t(0), uid_t(9), gid_t(9))
        #expect(dtm_peer_credentials(sockets[0], &pid, &uid, &gid) == 0)
        #expect(pid == getpid() && uid == getuid() && gid == getgid())
    }

    @Test("A socket without a peer has no credentials, and an ordinary file none at all")
    func noCredentials() {
        var (pid, uid, gid) = (pid_t(0), uid_t(9), gid_t(9))
        let alone = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(alone) }
        #expect(dtm_peer_credentials(alone, &pid, &uid, &gid) == -ENOTCONN)
        #expect(dtm_peer_credentials(-1, &pid, &uid, &gid) == -EBADF)
        #expect(uid == 9)
    }

    @Test("A process descriptor becomes readable at the process's end and not before")
    func processDescriptor() {
        let own = dtm_pidfd_open(getpid())
        #expect(own >= 0)
        #expect(fcntl(own, F_GETFD) & FD_CLOEXEC != 0)
        var entry = pollfd(fd: own, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 0) == 0)
        close(own)
        #expect(dtm_pidfd_open(-1) == -EINVAL)
        #expect(dtm_pidfd_open(pid_t.max) == -ESRCH)
    }

    @Test("A wake that comes before the wait is not lost")
    func eventDescriptor() {
        let event = dtm_eventfd()
        defer { close(event) }
        var count: UInt64 = 3
        #expect(write(event, &count, 8) == 8)
        #expect(read(event, &count, 8) == 8)
        #expect(count == 3)
    }

    /// In a thread of its own, whose name the test may change.
    @Test("A thread's name is cut to 15 bytes")
    func threadName() {
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { _ in
                _ = dtm_prctl_set_name("a-name-of-twenty-let")
                let file = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC)
                defer { close(file) }
                var name = [UInt8](repeating: 0, count: 32)
                let count = max(0, read(file, &name, name.count))
                return UnsafeMutableRawPointer(
                    bitPattern: name.prefix(count) == Array("a-name-of-twent\n".utf8)[...] ? 1 : 2)
            }, nil)
        #expect(failure == 0)
        var result: UnsafeMutableRawPointer?
        pthread_join(thread, &result)
        #expect(result == UnsafeMutableRawPointer(bitPattern: 1))
    }

    @Test("The death signal of the parent can be set and taken back")
    func parentDeathSignal() {
        #expect(dtm_prctl_parent_death_signal(SIGTERM) == 0)
        #expect(dtm_prctl_parent_death_signal(0) == 0)
        #expect(dtm_prctl_parent_death_signal(10_000) == -EINVAL)
    }
}
