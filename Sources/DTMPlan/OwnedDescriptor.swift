import Glibc

/// A file descriptor with one owner, closed when that owner ends.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, for system calls while the owner lives.
    public let number: CInt

    /// Takes over an open descriptor.
    public init(adopting number: CInt) { self.number = number }

    /// Gives the descriptor up without closing it.
    public consuming func release() -> CInt {
        let number = number
        discard self
        return number
    }

    deinit {
        // close(2) on Linux frees the number even when it is interrupted: never again.
        close(number)
    }
}

/// Two sockets that are connected to each other, both with CLOEXEC.
@frozen
public struct SocketPair: ~Copyable, Sendable {
    public let first: OwnedDescriptor
    public let second: OwnedDescriptor

    /// A pair for a ``PlanLink``: a stream (`socketpair(2)`).
    ///
    /// - Throws: ``PlanError`` with the code `system` when there are no descriptors left.
    public static func stream() throws(PlanError) -> Self { try Self(type: CInt(SOCK_STREAM.rawValue)) }

    /// A pair for a ``ProcessChannel``: whole messages in order.
    ///
    /// - Throws: As ``stream()``.
    public static func messages() throws(PlanError) -> Self { try Self(type: CInt(SOCK_SEQPACKET.rawValue)) }

    private init(type: CInt) throws(PlanError) {
        var numbers: (CInt, CInt) = (-1, -1)
        let failed = withUnsafeMutableBytes(of: &numbers) { bytes in
            socketpair(
                AF_UNIX, type | CInt(SOCK_CLOEXEC.rawValue), 0, bytes.baseAddress?.assumingMemoryBound(to: CInt.self))
        }
        guard failed == 0 else { throw PlanError.system("socketpair", errno) }
        first = OwnedDescriptor(adopting: numbers.0)
        second = OwnedDescriptor(adopting: numbers.1)
    }
}

extension OwnedDescriptor {
    /// Sets CLOEXEC and blocking mode, and checks that this is a Unix socket of the type.
    borrowing func prepare(type: CInt, named kind: StaticString) throws(PlanError) {
        guard option(SO_DOMAIN) == AF_UNIX, option(SO_TYPE) == type else { throw .descriptor(number, kind) }
        guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { throw .system("fcntl", errno) }
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0, fcntl(number, F_SETFL, flags & ~O_NONBLOCK) == 0 else { throw .system("fcntl", errno) }
    }

    private borrowing func option(_ name: CInt) -> CInt? {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(number, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }
}

/// The system's words for an error number, with its number.
func describe(errno code: CInt) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    // The version that POSIX defines, not GNU's: it writes into the buffer.
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return "\(text) (\(code))"
}
