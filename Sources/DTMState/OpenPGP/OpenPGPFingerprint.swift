import DTMCore

/// What names a key, and is compared to tell whose it is: SHA-1 over the primary key of version 4 (RFC 4880, 12.2).
public struct OpenPGPFingerprint: Hashable, Sendable, CustomStringConvertible {
    /// The 20 bytes.
    public let bytes: [UInt8]

    /// Nil when there are not 20 bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 20 else { return nil }
        self.bytes = bytes
    }

    /// Nil when the text is not 40 hexadecimal digits. Spaces between them are passed over, as `gpg --fingerprint` prints them.
    public init?(hexadecimal text: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(String(text.filter { $0 != " " })) else { return nil }
        self.init(bytes)
    }

    /// 40 hexadecimal digits.
    public var description: String { Hexadecimal.encode(bytes) }

    /// The last 8 bytes, by which messages name their recipients.
    var keyID: OpenPGPKeyID { OpenPGPKeyID(bytes: Array(bytes.suffix(8))) }
}

/// The short name of a key or subkey in a message: 8 bytes, which anybody can make equal to another's. Finds keys, proves nothing.
struct OpenPGPKeyID: Hashable, Sendable {
    let bytes: [UInt8]
}
