import Glibc
import NIOCore
import NIOPosix

/// Standard input and output as an event loop can use them.
///
/// An event loop can wait for pipes and sockets alone; `epoll_ctl(2)` refuses files, and to make a terminal non-blocking
/// would do so for the shell as well. Those are copied by a thread each, through a pipe.
struct StandardStreams {
    /// For the event loop, which takes them over.
    let input: CInt
    let output: CInt
    private let pool: NIOThreadPool
    /// Nil when nothing has to be copied.
    private let copied: EventLoopFuture<Void>?

    /// Takes duplicates, so that the streams themselves stay as they are.
    ///
    /// - Throws: ``ConnectorError`` `stdio` when one is closed, or there are no descriptors left.
    static func open(input: CInt = STDIN_FILENO, output: CInt = STDOUT_FILENO) throws(ConnectorError) -> Self {
        let ends = (try duplicate(input), try duplicate(output))
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        var (input, output) = ends
        if !canWait(for: input) {
            let pipe = try pipe()
            let file = input
            _ = pool.runIfActive(eventLoop: loop) { copy(from: file, to: pipe.write) }
            input = pipe.read
        }
        guard !canWait(for: output) else { return Self(input: input, output: output, pool: pool, copied: nil) }
        let pipe = try pipe()
        let file = output
        output = pipe.write
        let copied = pool.runIfActive(eventLoop: loop) { copy(from: pipe.read, to: file) }
        return Self(input: input, output: output, pool: pool, copied: copied)
    }

    /// Waits until all that the event loop wrote is where it belongs. A thread that still waits for input is left behind.
    func finish() async { try? await copied?.get() }

    /// True for pipes and sockets.
    private static func canWait(for descriptor: CInt) -> Bool {
        // A pipe or a socket has no offset; a file and most devices do, and a terminal is told apart by itself.
        lseek(descriptor, 0, SEEK_CUR) < 0 && errno == ESPIPE && isatty(descriptor) == 0
    }

    private static func copy(from source: CInt, to sink: CInt) {
        defer {
            close(source)
            close(sink)
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(source, &buffer, buffer.count), count > 0 {
            var written = 0
            while written < count {
                let part = buffer[written..<count].withUnsafeBytes { write(sink, $0.baseAddress, $0.count) }
                guard part > 0 else { return }
                written += part
            }
        }
    }

    private static func duplicate(_ descriptor: CInt) throws(ConnectorError) -> CInt {
        let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard duplicate >= 0 else { throw ConnectorError(.stdio, "standard input or output is closed") }
        return duplicate
    }

    private static func pipe() throws(ConnectorError) -> (read: CInt, write: CInt) {
        var ends: [CInt] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw ConnectorError(.stdio, "there are no descriptors left") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}
