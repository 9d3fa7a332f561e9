import Glibc

/// The system calls of the log, so that a test can make any of them fail.
struct LogSystemCalls: Sendable {
    /// The number of an error (`errno(3)`).
    struct Failure: Error, Equatable, CustomStringConvertible {
        var code: Int32

        static var last: Self { Self(code: errno) }

        var description: String {
            switch code {
            case Self.notOrdinary.code: "it is not an ordinary file of the manager's user"
            default: String(cString: strerror(code))
            }
        }

        /// Stands for a file that is there and must not be written to; no errno is negative.
        static let notOrdinary = Self(code: -1)
    }

    /// Opens a file to read and append, made with mode 0600 when it is missing.
    var open: @Sendable (String) throws(Failure) -> Int32
    /// `write(2)`: how many bytes were taken.
    var write: @Sendable (Int32, UnsafeRawBufferPointer) throws(Failure) -> Int
    /// `ftruncate(2)`
    var truncate: @Sendable (Int32, UInt64) throws(Failure) -> Void
    /// `rename(2)`
    var rename: @Sendable (String, String) throws(Failure) -> Void
    /// `unlink(2)`
    var remove: @Sendable (String) throws(Failure) -> Void

    static let libc = Self(
        open: { path throws(Failure) in
            // Not blocking, so that a FIFO in the file's place is noticed and not waited for.
            let flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
            let descriptor = Glibc.open(path, flags, 0o600)
            guard descriptor >= 0 else { throw .last }
            return descriptor
        },
        write: { descriptor, bytes throws(Failure) in
            let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            guard count >= 0 else { throw .last }
            return count
        },
        truncate: { descriptor, size throws(Failure) in
            guard ftruncate(descriptor, Int(clamping: size)) == 0 else { throw .last }
        },
        rename: { old, new throws(Failure) in
            guard Glibc.rename(old, new) == 0 else { throw .last }
        },
        remove: { path throws(Failure) in
            guard unlink(path) == 0 else { throw .last }
        })
}
