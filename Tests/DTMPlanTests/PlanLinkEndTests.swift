import DTMCore
import Glibc
import Synchronization
import DTMSecrets
import Testing

@testable import DTMPlan

/// How a link ends when its own side ends it.
@Suite(.timeLimit(.minutes(2))) struct PlanLinkEndTests {
    private let hello = DataPlaneMessage.hello(
        DataPlaneHello(protocolVersion: PlanProtocol.version, pid: 1, memory: MemoryReport(backing: .secret)))

    /// A link and the bare other end.
    private func link() throws -> (DataPlaneEnd, peer: CInt) {
        let pair = try SocketPair.stream()
        let number = pair.first.release()
        return (try DataPlaneEnd(adopting: number), pair.second.release())
    }

    @Test("Close wakes a thread that reads, and it ends without an error")
    func closeWakesReader() throws {
        let (link, peer) = try link()
        let outcome = Mutex<PlanError??>(nil)
        let reading = try WorkerThread(named: "test") {
            do throws(PlanError) {
                try link.run { _ in }
                outcome.withLock { $0 = .some(nil) }
            } catch {
                outcome.withLock { [error] in $0 = error }
            }
        }
        link.close()
        reading.join()
        #expect(outcome.withLock { $0 } == .some(nil))
        close(peer)
    }

    @Test("Close wakes the thread that writes to a side that does not read")
    func closeWakesWriter() throws {
        let (link, peer) = try link()
        try link.send(hello)
        // More than the kernel takes for a Unix socket, so that the writer waits in the middle.
        for _ in 0..<400 {
            try link.send(
                .certificateRequest(.probe(TunnelID(high: 1, low: 1)), der: [UInt8](repeating: 1, count: 8_192)))
        }
        link.close()
        expect(.closed) { try link.send(.drained) }
        close(peer)
    }

    @Test("Finish gives up on a side that does not read")
    func finishGivesUp() throws {
        let (link, peer) = try link()
        try link.send(hello)
        for _ in 0..<400 {
            try link.send(
                .certificateRequest(.probe(TunnelID(high: 1, low: 1)), der: [UInt8](repeating: 1, count: 8_192)))
        }
        #expect(!link.finish(within: .zero))
        close(peer)
    }

    @Test("Close may be called again, from several threads, and from a message's handler")
    func closeIsIdempotent() throws {
        let pair = try SocketPair.stream()
        let control = try ControlEnd(adopting: pair.first.release())
        let peer = OwnedDescriptor(adopting: pair.second.release())
        let inbox = try Inbox<DataPlaneMessage>()
        try control.start(
            onMessage: { message in
                inbox.receive(message)
                control.close()
            }, onEnd: inbox.end)
        let frames = try FrameCodec.encode(hello) + FrameCodec.encode(DataPlaneMessage.drained)
        #expect(write(peer.number, frames, frames.count) == frames.count)
        #expect(inbox.waitForEnd() == nil)
        #expect(inbox.messages == [hello], "nothing is received after the close")
        let threads = try (0..<4).map { _ in try WorkerThread(named: "test") { control.close() } }
        for thread in threads { thread.join() }
        control.close()
    }

    @Test("A link is read once")
    func readOnce() throws {
        let (link, peer) = try link()
        close(peer)
        try link.run { _ in }
        expect(.misuse) { try link.run { _ in } }
        expect(.misuse) { try link.start(onMessage: { _ in }, onEnd: { _ in }) }
    }

    @Test("Letting go of a link closes its descriptor")
    func releases() throws {
        var identity = stat()
        do {
            let (link, peer) = try link()
            let socket = try socketOfTheOther(than: peer, link: link)
            identity = socket
            close(peer)
        }
        #expect(!(try hasDescriptor(for: identity)))
    }

    private func socketOfTheOther(than peer: CInt, link: DataPlaneEnd) throws -> stat {
        // The pair was made together: the other end is found by what arrives from the link alone.
        var peerIdentity = stat()
        #expect(fstat(peer, &peerIdentity) == 0)
        var identity = stat()
        #expect(fstat(link.descriptor, &identity) == 0)
        #expect(identity.st_ino != peerIdentity.st_ino)
        return identity
    }

    private func hasDescriptor(for identity: stat) throws -> Bool {
        (0..<4_096).contains { number in
            var other = stat()
            return fstat(CInt(number), &other) == 0 && other.st_ino == identity.st_ino
                && other.st_dev == identity.st_dev
        }
    }

    @Test("A descriptor of another kind is refused and closed")
    func refusesOtherDescriptors() throws {
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        expect(.descriptor) { try DataPlaneEnd(adopting: null) }
        expect(.descriptor) { try DataPlaneEnd(adopting: -1) }
        let pair = try SocketPair.messages()
        let wrongType = pair.first.release()
        expect(.descriptor) { try DataPlaneEnd(adopting: wrongType) }
        expect(.descriptor) { try DataPlaneEnd(adopting: socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)) }
    }

    @Test("A descriptor is made blocking and closed on execve")
    func preparesDescriptor() throws {
        let pair = try SocketPair.stream()
        let number = pair.first.release()
        #expect(fcntl(number, F_SETFL, O_NONBLOCK) == 0)
        #expect(fcntl(number, F_SETFD, 0) == 0)
        let link = try DataPlaneEnd(adopting: number)
        #expect(fcntl(link.descriptor, F_GETFL) & O_NONBLOCK == 0)
        #expect(fcntl(link.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test("A signal that interrupts a read changes nothing")
    func interrupted() throws {
        // Without SA_RESTART read(2) fails with EINTR whenever the handler ran.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        #expect(sigaction(SIGUSR2, &action, nil) == 0)
        let pair = try SocketPair.stream()
        let control = try ControlEnd(adopting: pair.first.release())
        let peer = OwnedDescriptor(adopting: pair.second.release())
        let inbox = try Inbox<DataPlaneMessage>()
        let reader = Mutex<pthread_t?>(nil)
        let ready = try Inbox<Void>()
        let reading = try WorkerThread(named: "test") {
            var signal = sigset_t()
            sigemptyset(&signal)
            sigaddset(&signal, SIGUSR2)
            pthread_sigmask(SIG_UNBLOCK, &signal, nil)
            reader.withLock { $0 = pthread_self() }
            ready.end(nil)
            do throws(PlanError) {
                try control.run(receive: inbox.receive)
                inbox.end(nil)
            } catch {
                inbox.end(error)
            }
        }
        _ = ready.waitForEnd()
        let frame = try FrameCodec.encode(hello)
        for byte in frame {
            for _ in 0..<20 { if let thread = reader.withLock({ $0 }) { pthread_kill(thread, SIGUSR2) } }
            #expect(withUnsafeBytes(of: byte) { write(peer.number, $0.baseAddress, 1) } == 1)
        }
        _ = consume peer
        #expect(inbox.waitForEnd() == nil)
        #expect(inbox.messages == [hello])
        reading.join()
    }
}
