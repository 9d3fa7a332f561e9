import DTMCore
import Glibc

/// The bytes of a configuration file, in memory that is overwritten when the value ends: the file may hold a key.
///
/// It is ordinary memory, neither locked nor kept out of core dumps, and meant to live for milliseconds.
public struct ConfigurationContents: ~Copyable {
    private let memory: UnsafeMutableRawBufferPointer
    /// The length of the file in bytes.
    public let count: Int

    /// Reads from `descriptor` to the end of the file.
    ///
    /// - Throws: ``ConfigurationError`` when the file is longer than the reader takes, or reading fails.
    init(reading descriptor: borrowing OwnedDescriptor, path: String) throws(ConfigurationError) {
        // One byte more than is allowed, to notice a file that grew after its length was looked at.
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: JSONParser.maximumBytes + 1, alignment: 1)
        var count = 0
        var failure: ConfigurationError?
        while count < memory.count, failure == nil {
            let length = read(descriptor.number, memory.baseAddress.map { $0 + count }, memory.count - count)
            if length == 0 { break }
            if length > 0 { count += length } else if errno != EINTR { failure = .unreadable(path, errno: errno) }
        }
        if count > JSONParser.maximumBytes { failure = .tooLarge(path) }
        if let failure {
            Self.wipe(memory)
            throw failure
        }
        self.memory = memory
        self.count = count
    }

    deinit { Self.wipe(memory) }

    /// Lends the bytes for the time of `body`.
    public borrowing func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(rebasing: memory[0..<count]))
    }

    private static func wipe(_ memory: UnsafeMutableRawBufferPointer) {
        if let base = memory.baseAddress { explicit_bzero(base, memory.count) }
        memory.deallocate()
    }
}

/// A file descriptor that is closed when the value ends.
struct OwnedDescriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }
}
