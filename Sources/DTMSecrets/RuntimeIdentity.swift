import CSodium

/// What names one run of the manager: 32 random bytes, not secret.
public struct RuntimeID: Hashable, Sendable, CustomStringConvertible {
    public static let byteCount = 32
    public let bytes: [UInt8]

    /// From libsodium's generator, which is `getrandom(2)` on Linux.
    public init() {
        bytes = [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            if let start = buffer.baseAddress { randombytes_buf(start, Self.byteCount) }
            count = Self.byteCount
        }
    }

    /// 64 hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

/// Passwords for where a person or a format needs one.
public enum RuntimePassword {
    /// The length in characters, each one byte of ASCII.
    public static let count = 32

    /// Lower case, upper case, digits, signs. What is easily taken for another is left out, and what a shell or a
    /// configuration file would read as something else.
    static let classes = [
        "abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "+-_.,:=%@#",
    ].map { Array($0.utf8) }

    /// 32 characters with at least one of each of four classes: about 190 bits.
    ///
    /// One of each class is drawn first, the rest from all of them, and all are put in an order that is drawn as well
    /// (Fisher–Yates). Every draw is uniform (`randombytes_uniform`).
    ///
    /// - Throws: ``SecretsError`` when there is no protected memory.
    public static func generate() throws -> SecretBytes {
        let all = classes.flatMap(\.self)
        return try SecretBytes(count: count) { password in
            for index in password.indices {
                password[index] = draw(classes.indices.contains(index) ? classes[index] : all)
            }
            for index in (1..<password.count).reversed() {
                password.swapAt(index, Int(randombytes_uniform(UInt32(index + 1))))
            }
        }
    }

    private static func draw(_ alphabet: [UInt8]) -> UInt8 {
        alphabet[Int(randombytes_uniform(UInt32(alphabet.count)))]
    }
}
