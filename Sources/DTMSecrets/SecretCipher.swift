import CSodium

/// Ciphers, keys and checks on secrets that never leave protected memory.
public enum SecretCipher {
    /// Of a key, in bytes.
    public static let keyBytes = MemoryCipher.keyBytes
    /// By how much sealed bytes are longer than the secret: a nonce of 24 bytes before, a tag of 16 behind.
    public static let overhead = MemoryCipher.nonceBytes + MemoryCipher.tagBytes

    /// Seals by XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a random nonce.
    ///
    /// - Parameter associated: What the same bytes must be opened with.
    /// - Returns: Nonce ‖ ciphertext ‖ tag.
    public static func seal(
        _ secret: borrowing SecretBytes, under key: borrowing SecretBytes, associated: [UInt8]
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: secret.count + overhead) { buffer, count in
            guard let start = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
            randombytes_buf(start, MemoryCipher.nonceBytes)
            withRaw(secret, key) { secret, key in
                associated.withUnsafeBytes { associated in
                    MemoryCipher.seal(
                        secret, associated: associated, nonce: start, key: key, into: start + MemoryCipher.nonceBytes)
                }
            }
            count = secret.count + overhead
        }
    }

    /// Opens what ``seal(_:under:associated:)`` made.
    ///
    /// - Returns: Nil when it is not that, or was sealed under another key or with other associated bytes.
    /// - Throws: ``SecretsError`` when there is no protected memory for it.
    public static func open(
        _ sealed: [UInt8], under key: borrowing SecretBytes, associated: [UInt8]
    ) throws -> SecretBytes? {
        guard sealed.count > overhead else { return nil }
        var isGenuine = false
        let secret = try SecretBytes(count: sealed.count - overhead) { plain in
            guard let output = plain.baseAddress else { return }
            key.withBytes { key in
                key.withUnsafeBytes { key in
                    guard let key = key.baseAddress else { return }
                    sealed.withUnsafeBytes { sealed in
                        associated.withUnsafeBytes { associated in
                            guard let nonce = sealed.baseAddress else { return }
                            isGenuine = MemoryCipher.open(
                                UnsafeRawBufferPointer(rebasing: sealed.dropFirst(MemoryCipher.nonceBytes)),
                                associated: associated, nonce: nonce, key: key, into: output)
                        }
                    }
                }
            }
        }
        guard isGenuine else { return nil }
        return secret
    }

    /// Derives a key by BLAKE2b (libsodium, "Key derivation").
    ///
    /// - Parameters:
    ///   - root: 32 bytes.
    ///   - number: Which one.
    ///   - context: 8 bytes that say what it is for.
    public static func derive(
        _ number: UInt64, from root: borrowing SecretBytes, context: String
    ) throws -> SecretBytes {
        let context = Array(context.utf8.prefix(8)) + [UInt8](repeating: 0, count: max(0, 8 - context.utf8.count))
        return try SecretBytes(count: keyBytes) { output in
            root.withBytes { root in
                root.withUnsafeBytes { root in
                    context.withUnsafeBufferPointer { context in
                        guard let output = output.baseAddress, let root = root.baseAddress,
                            let context = context.baseAddress
                        else { return }
                        _ = context.withMemoryRebound(to: CChar.self, capacity: 8) { context in
                            crypto_kdf_derive_from_key(
                                output.assumingMemoryBound(to: UInt8.self), keyBytes, number, context,
                                root.assumingMemoryBound(to: UInt8.self))
                        }
                    }
                }
            }
        }
    }

    /// HMAC-SHA256 (RFC 2104).
    ///
    /// - Parameter key: 32 bytes.
    public static func authenticator(of message: [UInt8], under key: borrowing SecretBytes) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(crypto_auth_hmacsha256_BYTES)) { buffer, count in
            guard let output = buffer.baseAddress else { return }
            withRaw(key) { key in
                _ = crypto_auth_hmacsha256(
                    output, message, UInt64(message.count), key.assumingMemoryBound(to: UInt8.self))
            }
            count = Int(crypto_auth_hmacsha256_BYTES)
        }
    }

    /// Compares in a time that depends on the lengths alone.
    public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && (left.isEmpty || sodium_memcmp(left, right, left.count) == 0)
    }

    private static func withRaw(_ secret: borrowing SecretBytes, _ body: (UnsafeRawPointer) -> Void) {
        secret.withBytes { span in
            span.withUnsafeBytes { bytes in if let start = bytes.baseAddress { body(start) } }
        }
    }

    private static func withRaw(
        _ secret: borrowing SecretBytes, _ key: borrowing SecretBytes,
        _ body: (UnsafeRawBufferPointer, UnsafeRawPointer) -> Void
    ) {
        secret.withBytes { span in
            span.withUnsafeBytes { secret in withRaw(key) { body(secret, $0) } }
        }
    }
}

/// A key from a passphrase, by Argon2id version 1.3 (RFC 9106; libsodium, "Password hashing").
public struct PassphraseHash: Hashable, Sendable {
    /// How often the memory is gone through.
    public var passes: UInt64
    /// How much memory it takes, in bytes.
    public var memoryBytes: Int
    /// 16 random bytes.
    public var salt: [UInt8]

    /// What may be asked for: less is too weak, more could keep a host from starting.
    public static let allowedPasses: ClosedRange<UInt64> = 1...20
    /// In bytes.
    public static let allowedMemory = 8 << 20...1 << 30
    /// In bytes.
    public static let saltBytes = Int(crypto_pwhash_argon2id_SALTBYTES)

    public init(passes: UInt64, memoryBytes: Int, salt: [UInt8]) {
        self.passes = passes
        self.memoryBytes = memoryBytes
        self.salt = salt
    }

    /// Three passes over 256 MiB (about RFC 9106's second recommendation, with four times the memory) and a fresh salt.
    public static func standard() -> Self {
        Self(passes: 3, memoryBytes: 256 << 20, salt: (0..<saltBytes).map { _ in .random(in: 0 ... .max) })
    }

    /// Whether it is within bounds.
    public var isAllowed: Bool {
        Self.allowedPasses.contains(passes) && Self.allowedMemory.contains(memoryBytes)
            && salt.count == Self.saltBytes
    }

    /// Takes a second or so and ``memoryBytes``.
    ///
    /// - Returns: 32 bytes; nil when the parameters are out of bounds.
    /// - Throws: ``SecretsError`` when there is not so much memory.
    public func key(for passphrase: borrowing SecretBytes) throws -> SecretBytes? {
        guard isAllowed else { return nil }
        var outcome: Int32 = -1
        let key = try SecretBytes(count: SecretCipher.keyBytes) { output in
            passphrase.withBytes { span in
                span.withUnsafeBytes { passphrase in
                    guard let start = passphrase.baseAddress, let output = output.baseAddress else { return }
                    outcome = crypto_pwhash_argon2id(
                        output.assumingMemoryBound(to: UInt8.self), UInt64(SecretCipher.keyBytes),
                        start.assumingMemoryBound(to: CChar.self), UInt64(passphrase.count), salt, passes, memoryBytes,
                        crypto_pwhash_argon2id_ALG_ARGON2ID13)
                }
            }
        }
        guard outcome == 0 else { throw SecretsError.allocation(memoryBytes) }
        return key
    }
}
