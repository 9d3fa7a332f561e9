import CSodium
public import DTMCore
public import DTMSecrets

/// The key that signs what is sent to one webhook, in the way of Standard Webhooks
/// (https://github.com/standard-webhooks/standard-webhooks, `spec/standard-webhooks.md`): HMAC-SHA256 over the id, the
/// time and the body.
public struct SigningKey: Sendable {
    /// The shortest and the longest key in bytes, as that specification has it.
    public static let lengths = 24...64
    /// The longest text that is read: base64 of the longest key, with a prefix and an end of line.
    public static let maximumTextBytes = 128

    private let secret: SharedSecret

    /// Takes base64 (RFC 4648, section 4), with or without the prefix `whsec_`, as `openssl rand -base64 32` writes it.
    ///
    /// - Throws: ``NotifyError`` when it is something else.
    public init(text: borrowing SecretBytes) throws {
        let scratch = try SecretBytes(count: Self.maximumTextBytes + 1) { target in
            text.withBytes { span in
                span.withUnsafeBytes { target[0] = UInt8(Self.decode($0, into: target) ?? 0) }
            }
        }
        let length = scratch.withBytes { Int($0.unsafeLoad(as: UInt8.self)) }
        guard Self.lengths.contains(length) else {
            throw NotifyError(
                .key, "the key is no base64 of \(Self.lengths.lowerBound) to \(Self.lengths.upperBound) bytes",
                hint: "make one: openssl rand -base64 32")
        }
        secret = SharedSecret(
            try SecretBytes(count: length) { target in
                scratch.withBytes { span in
                    span.withUnsafeBytes {
                        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[1..<(1 + length)]))
                    }
                }
            })
    }

    /// Decodes to behind the first byte of `target`; nil for what is no base64.
    private static func decode(_ text: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int? {
        let prefix = "whsec_".utf8
        let hasPrefix = text.count >= prefix.count && zip(text, prefix).allSatisfy { $0 == $1 }
        let rest = text.dropFirst(hasPrefix ? prefix.count : 0)
        let digits = UnsafeRawBufferPointer(rebasing: rest)
        var count = 0
        guard let start = target.baseAddress, target.count > lengths.upperBound else { return nil }
        let status = sodium_base642bin(
            (start + 1).assumingMemoryBound(to: UInt8.self), lengths.upperBound,
            digits.baseAddress?.assumingMemoryBound(to: CChar.self), digits.count, "\r\n", &count, nil,
            sodium_base64_VARIANT_ORIGINAL)
        return status == 0 ? count : nil
    }

    /// The headers of one attempt.
    ///
    /// - Parameter time: Of the attempt, on the wall clock: receivers refuse what is minutes old.
    public func headers(id: String, time: Timestamp, body: [UInt8]) -> [(name: String, value: String)] {
        let seconds = String(time.seconds)
        return [
            ("webhook-id", id), ("webhook-timestamp", seconds),
            ("webhook-signature", "v1," + signature(of: Array("\(id).\(seconds).".utf8) + body)),
        ]
    }

    /// Base64.
    private func signature(of message: [UInt8]) -> String {
        var state = crypto_auth_hmacsha256_state()
        defer { sodium_memzero(&state, MemoryLayout.size(ofValue: state)) }
        secret.bytes.withBytes { span in
            span.withUnsafeBytes { key in
                guard let start = key.baseAddress else { return }
                crypto_auth_hmacsha256_init(&state, start.assumingMemoryBound(to: UInt8.self), key.count)
            }
        }
        crypto_auth_hmacsha256_update(&state, message, UInt64(message.count))
        var digest = [UInt8](repeating: 0, count: Int(crypto_auth_hmacsha256_BYTES))
        crypto_auth_hmacsha256_final(&state, &digest)
        var text = [CChar](repeating: 0, count: 64)
        sodium_bin2base64(&text, text.count, digest, digest.count, sodium_base64_VARIANT_ORIGINAL)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
