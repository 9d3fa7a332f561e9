import CSodium
import DTMCore
import DTMSecrets

/// The two numbers that choose a candidate, from HMAC-SHA256(window key, "dtm schedule v1" ‖ epoch ‖ generation ‖
/// candidate).
struct CandidateDraw {
    /// Bytes 0..<8 of the digest.
    let port: UInt64
    /// Bytes 8..<12 of the digest.
    let address: UInt32

    private typealias State = crypto_auth_hmacsha256_state

    /// Calls `body` with the draws of the candidates 0 ..< `end`, in this order.
    ///
    /// The key is hashed in once, with what all candidates share, and that state is copied for each. The states amount
    /// to the key, so they never become Swift values: they stay in one place, which is wiped.
    static func forEach(
        below end: Int, turn: ScheduleTurn, windowKey: borrowing SecretBytes, _ body: (Int, CandidateDraw) -> Void
    ) {
        let shared = Array("dtm schedule v1".utf8) + bigEndian(turn.epoch) + bigEndian(turn.generation)
        withUnsafeTemporaryAllocation(of: State.self, capacity: 2) { states in
            guard let keyed = states.baseAddress else { return }
            defer { sodium_memzero(keyed, 2 * MemoryLayout<State>.stride) }
            windowKey.withBytes { $0.withUnsafeBytes { start(keyed, key: $0, message: shared) } }
            for index in 0..<end {
                let working = keyed + 1
                working.update(from: keyed, count: 1)
                body(index, finish(working, candidate: UInt32(truncatingIfNeeded: index)))
            }
        }
    }

    private static func start(_ state: UnsafeMutablePointer<State>, key: UnsafeRawBufferPointer, message: [UInt8]) {
        guard let bytes = key.bindMemory(to: UInt8.self).baseAddress else { return }
        crypto_auth_hmacsha256_init(state, bytes, key.count)
        crypto_auth_hmacsha256_update(state, message, UInt64(message.count))
    }

    private static func finish(_ state: UnsafeMutablePointer<State>, candidate: UInt32) -> Self {
        withUnsafeTemporaryAllocation(byteCount: Int(crypto_auth_hmacsha256_BYTES), alignment: 8) { digest in
            guard let output = digest.bindMemory(to: UInt8.self).baseAddress else { return Self(port: 0, address: 0) }
            withUnsafeBytes(of: candidate.bigEndian) { number in
                _ = crypto_auth_hmacsha256_update(
                    state, number.bindMemory(to: UInt8.self).baseAddress, UInt64(number.count))
            }
            crypto_auth_hmacsha256_final(state, output)
            return Self(
                port: UInt64(bigEndian: digest.load(as: UInt64.self)),
                address: UInt32(bigEndian: digest.load(fromByteOffset: 8, as: UInt32.self)))
        }
    }

    private static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
