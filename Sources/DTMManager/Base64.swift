import FoundationEssentials

/// Base64 with padding (RFC 4648, section 4). For certificates and requests, which are public; never for secrets.
enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    /// Nil when it is not valid.
    static func decode(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map(Array.init) }
}
