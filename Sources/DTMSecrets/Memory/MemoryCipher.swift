import CSodium

/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03; libsodium "AEAD") on memory that its caller owns.
enum MemoryCipher {
    /// 24 bytes.
    typealias Nonce = (UInt64, UInt64, UInt64)

    static let keyBytes = Int(crypto_aead_xchacha20poly1305_ietf_KEYBYTES)
    static let nonceBytes = Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
    static let tagBytes = Int(crypto_aead_xchacha20poly1305_ietf_ABYTES)

    /// - Parameter output: Longer than `plain` by ``tagBytes``.
    static func seal(
        _ plain: UnsafeRawBufferPointer, associated: UnsafeRawBufferPointer, nonce: UnsafeRawPointer,
        key: UnsafeRawPointer, into output: UnsafeMutableRawPointer
    ) {
        var length: UInt64 = 0
        crypto_aead_xchacha20poly1305_ietf_encrypt(
            bytes(output), &length, bytes(plain, else: nonce), UInt64(plain.count), bytes(associated, else: nonce),
            UInt64(associated.count), nil, bytes(nonce), bytes(key))
    }

    /// - Returns: False when it is not what was sealed; the output is then zeros.
    static func open(
        _ sealed: UnsafeRawBufferPointer, associated: UnsafeRawBufferPointer, nonce: UnsafeRawPointer,
        key: UnsafeRawPointer, into output: UnsafeMutableRawPointer
    ) -> Bool {
        var length: UInt64 = 0
        return crypto_aead_xchacha20poly1305_ietf_decrypt(
            bytes(output), &length, nil, bytes(sealed, else: nonce), UInt64(sealed.count),
            bytes(associated, else: nonce),
            UInt64(associated.count), bytes(nonce), bytes(key)) == 0
    }

    private static func bytes(_ pointer: UnsafeRawPointer) -> UnsafePointer<UInt8> {
        pointer.assumingMemoryBound(to: UInt8.self)
    }

    private static func bytes(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt8> {
        pointer.assumingMemoryBound(to: UInt8.self)
    }

    /// The header wants a pointer even where the length is 0: any that is valid, as the nonce's.
    private static func bytes(_ buffer: UnsafeRawBufferPointer, else other: UnsafeRawPointer) -> UnsafePointer<UInt8> {
        bytes(buffer.baseAddress ?? other)
    }
}

/// A secret at rest in ordinary memory: nonce ‖ ciphertext ‖ tag.
final class SealedBytes {
    private let storage: UnsafeMutableRawPointer
    /// Of the secret, in bytes.
    let count: Int

    init(sealing plain: UnsafeRawBufferPointer, under key: UnsafeRawPointer, nonce: MemoryCipher.Nonce) {
        count = plain.count
        let bytes = MemoryCipher.nonceBytes + plain.count + MemoryCipher.tagBytes
        storage = .allocate(byteCount: bytes, alignment: 16)
        storage.storeBytes(of: nonce.0, as: UInt64.self)
        storage.storeBytes(of: nonce.1, toByteOffset: 8, as: UInt64.self)
        storage.storeBytes(of: nonce.2, toByteOffset: 16, as: UInt64.self)
        MemoryCipher.seal(
            plain, associated: UnsafeRawBufferPointer(start: nil, count: 0), nonce: storage, key: key,
            into: storage + MemoryCipher.nonceBytes)
    }

    deinit { storage.deallocate() }

    /// As it rests: for tests.
    var raw: [UInt8] {
        Array(UnsafeRawBufferPointer(start: storage, count: MemoryCipher.nonceBytes + count + MemoryCipher.tagBytes))
    }

    func open(into plain: UnsafeMutableRawBufferPointer, under key: UnsafeRawPointer) -> Bool {
        guard let output = plain.baseAddress, plain.count == count else { return false }
        return MemoryCipher.open(
            UnsafeRawBufferPointer(
                start: storage + MemoryCipher.nonceBytes, count: count + MemoryCipher.tagBytes),
            associated: UnsafeRawBufferPointer(start: nil, count: 0), nonce: storage, key: key, into: output)
    }
}

// Sendable: written before the initialiser returns and never again; freed when the one owner ends.
extension SealedBytes: @unchecked Sendable {}
