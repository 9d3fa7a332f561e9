import CSodium
public import DTMCore

/// The keys of the endpoint schedule: one for each tunnel and window, derived one-way from a root that only control
/// holds.
public enum WindowKeys {
    /// HMAC-SHA256(root, "dtm window key v1" ‖ tunnel id ‖ window), the window as 8 bytes big-endian.
    ///
    /// - Parameter root: 32 random bytes.
    /// - Throws: ``SecretsError`` when there is no protected memory for the key.
    public static func derive(root: borrowing SecretBytes, tunnel: TunnelID, window: UInt64) throws -> SecretBytes {
        let message = Array("dtm window key v1".utf8) + tunnel.bytes + bigEndianBytes(window)
        return try root.withBytes { root in
            try SecretBytes(count: Int(crypto_auth_hmacsha256_BYTES)) { output in
                root.withUnsafeBytes { authenticate(message, under: $0, into: output) }
            }
        }
    }

    /// The state holds what amounts to the key: it is wiped before its memory is given back.
    private static func authenticate(
        _ message: [UInt8], under key: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) {
        withUnsafeTemporaryAllocation(of: crypto_auth_hmacsha256_state.self, capacity: 1) { memory in
            guard let state = memory.baseAddress,
                let key = key.bindMemory(to: UInt8.self).baseAddress.map({ ($0, key.count) }),
                let output = output.bindMemory(to: UInt8.self).baseAddress
            else { return }
            defer { sodium_memzero(state, MemoryLayout<crypto_auth_hmacsha256_state>.size) }
            crypto_auth_hmacsha256_init(state, key.0, key.1)
            crypto_auth_hmacsha256_update(state, message, UInt64(message.count))
            crypto_auth_hmacsha256_final(state, output)
        }
    }

    private static func bigEndianBytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
    }
}
