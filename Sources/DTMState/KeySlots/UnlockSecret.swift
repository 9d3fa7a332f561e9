public import DTMSecrets
import Glibc

/// What somebody gives to unlock a state: a passphrase, or what gpg made of an operator's key slot.
public struct UnlockSecret: Sendable {
    public let secret: SharedSecret

    /// The longest, in bytes.
    public static let maximumBytes = 1_024
    /// The shortest passphrase of a new slot, in bytes. NIST SP 800-63B, 5.1.1.2, asks for 8 of one that a service
    /// guards; this one has to stand against whoever has the disk.
    public static let minimumBytes = 12

    /// - Throws: `passphrase` when it is empty or too long.
    public init(_ secret: SharedSecret) throws(StateError) {
        guard secret.bytes.count <= Self.maximumBytes else { throw Self.tooLong }
        self.secret = secret
    }

    /// Reads the first line of a descriptor, as of a terminal, a pipe or a systemd credential; the line's end does not
    /// belong to it.
    ///
    /// - Throws: `passphrase` when it is empty or too long, `io`, `memory`.
    public init(reading descriptor: Int32, from source: String) throws(StateError) {
        let room = Self.maximumBytes + 2
        var length = 0
        var failure: Int32 = 0
        do {
            let whole = try SecretBytes(count: room) { buffer in
                while length < room {
                    let count = Glibc.read(descriptor, buffer.baseAddress.map { $0 + length }, 1)
                    if count < 0, errno == EINTR { continue }
                    if count < 0 { failure = errno }
                    guard count == 1, buffer[length] != UInt8(ascii: "\n") else { break }
                    length += 1
                }
                if length > 0, buffer[length - 1] == UInt8(ascii: "\r") { length -= 1 }
            }
            if failure != 0 {
                throw StateError(.io, "\(source) could not be read: \(String(cString: strerror(failure)))")
            }
            if length == 0 { throw Self.empty(source) }
            if length > Self.maximumBytes { throw Self.tooLong }
            secret = SharedSecret(
                try whole.prefix(length))
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError(.memory, "no protected memory for a passphrase", cause: error)
        }
    }

    private static func empty(_ source: String) -> StateError {
        StateError(.passphrase, "\(source) gave an empty passphrase", hint: "give one of \(minimumBytes) bytes or more")
    }

    private static let tooLong = StateError(
        .passphrase, "the passphrase is longer than \(maximumBytes) bytes", hint: "give a shorter one")

    /// - Throws: `passphrase` when it is too short for a new slot.
    public func checkForNewSlot() throws(StateError) {
        guard secret.bytes.count >= Self.minimumBytes else {
            throw StateError(
                .passphrase,
                "a passphrase of \(secret.bytes.count) bytes is too short; at least \(Self.minimumBytes) are needed",
                hint: "whoever gets the disk can try as many as there is time for: five random words do well")
        }
    }

    /// The 32 bytes that 64 hexadecimal digits stand for; nil when it is something else.
    func hexadecimalKey() throws -> SecretBytes? {
        guard secret.bytes.count == SecretCipher.keyBytes * 2 else { return nil }
        var isKey = true
        let key = try SecretBytes(count: SecretCipher.keyBytes) { output in
            secret.bytes.withBytes { span in
                span.withUnsafeBytes { text in
                    for index in output.indices {
                        guard let high = Self.digit(text[index * 2]), let low = Self.digit(text[index * 2 + 1]) else {
                            isKey = false
                            return
                        }
                        output[index] = high << 4 | low
                    }
                }
            }
        }
        guard isKey else { return nil }
        return key
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x61 + 10
        case 0x41...0x46: byte - 0x41 + 10
        default: nil
        }
    }
}
