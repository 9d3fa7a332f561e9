import FoundationEssentials

/// Bytes as the control API writes them: base64 with padding (RFC 4648, section 4). For certificates and requests, which are
/// public; never for secrets.
public enum Base64 {
    /// The text for `bytes`.
    public static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    /// Nil when it is not valid.
    public static func decode(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map(Array.init) }
}
