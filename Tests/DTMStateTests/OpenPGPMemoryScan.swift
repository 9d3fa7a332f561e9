import DTMSecrets
import DTMTestSupport

@testable import DTMState

extension MemoryScan {
    /// How often the bytes stand somewhere, not counting where `holders` keep them.
    static func copies(of needle: UnsafeRawBufferPointer, besides holders: [SharedSecret]) -> Int {
        let places = holders.map { holder in
            holder.bytes.withBytes { span in
                span.withUnsafeBytes {
                    UInt(bitPattern: $0.baseAddress)..<UInt(bitPattern: $0.baseAddress) + UInt($0.count)
                }
            }
        }
        return addresses(of: needle).filter { address in !places.contains { $0.contains(address) } }.count
    }

    static func copies(of secret: SharedSecret, besides holders: [SharedSecret] = []) -> Int {
        secret.bytes.withBytes { span in
            span.withUnsafeBytes { copies(of: $0, besides: holders + [secret]) }
        }
    }
}

/// The secret numbers of a key pair, lent where they lie.
enum SecretNumbers {
    /// The EdDSA seed and the ECDH scalar.
    static func withEach(of key: OpenPGPKeyPair, _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        try key.secretKey.bytes.withBytes { span in
            try span.withUnsafeBytes { bytes in
                for range in OpenPGPSecretNumbers.ranges(in: bytes) {
                    try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
                }
            }
        }
    }
}
