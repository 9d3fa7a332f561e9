import CSodium
import DTMCore

/// Names one sealed state for good: 16 random bytes. A restored backup is another instance.
public struct InstanceID: Hashable, Sendable, CustomStringConvertible {
    public static let byteCount = 16
    public let bytes: [UInt8]

    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    static func random() -> Self {
        let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            if let start = buffer.baseAddress { randombytes_buf(start, byteCount) }
            count = byteCount
        }
        return Self(unchecked: bytes)
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    public var description: String { Hexadecimal.encode(bytes) }
}

/// SHA-256 (FIPS 180-4).
enum Digest {
    static let byteCount = Int(crypto_hash_sha256_BYTES)
    static let none = [UInt8](repeating: 0, count: byteCount)

    static func of(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            if let output = buffer.baseAddress { crypto_hash_sha256(output, bytes, UInt64(bytes.count)) }
            count = byteCount
        }
    }
}
