import CDTMLinux
import Glibc

/// A place for one key that outlives the process which put it there: secret memory (`memfd_secret(2)`) behind a
/// descriptor that another process holds and hands to the next one. Who only holds the descriptor has no key: it maps
/// nothing.
public struct RetainedKey: Sendable {
    private let descriptor: Int32

    /// In bytes.
    private static let length = 4_096
    private static let magic: UInt64 = 0x4454_4d4b_4545_5031
    /// Of the key.
    public static let keyBytes = 32

    /// Makes a place; nil where the kernel has no such memory. The descriptor is closed on exec.
    public static func makeDescriptor() -> Int32? {
        let descriptor = dtm_secret_descriptor(length)
        return descriptor >= 0 ? descriptor : nil
    }

    /// The place behind a descriptor that was handed over.
    public init(descriptor: Int32) { self.descriptor = descriptor }

    /// - Returns: The key; nil when there is none, or the place can't be used.
    public func read() -> SharedSecret? {
        withPlace { place in
            guard place.load(as: UInt64.self) == Self.magic,
                let key = try? SecretBytes(
                    count: Self.keyBytes,
                    filledBy: { $0.copyMemory(from: UnsafeRawBufferPointer(start: place + 8, count: Self.keyBytes)) })
            else { return nil }
            return SharedSecret(key)
        } ?? nil
    }

    /// - Returns: Whether it is kept.
    public func write(_ key: SharedSecret) -> Bool {
        guard key.bytes.count == Self.keyBytes else { return false }
        return withPlace { place in
            key.bytes.withBytes { span in
                span.withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(start: place + 8, count: Self.keyBytes).copyMemory(from: $0)
                }
            }
            place.storeBytes(of: Self.magic, as: UInt64.self)
            return true
        } ?? false
    }

    private func withPlace<Value>(_ body: (UnsafeMutableRawPointer) -> Value) -> Value? {
        guard let place = mmap(nil, Self.length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), place != MAP_FAILED
        else { return nil }
        defer { munmap(place, Self.length) }
        return body(place)
    }
}
