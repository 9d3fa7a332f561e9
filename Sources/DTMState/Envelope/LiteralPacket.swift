/// Bytes framed as an OpenPGP literal data packet (RFC 4880, section 5.9), so that every file of the state is OpenPGP
/// packets and nothing else, also one that needs no encryption of its own.
///
/// New format, definite length, format `b`, no file name, date 0.
enum LiteralPacket {
    /// In bytes.
    static let maximum = 1 << 26
    private static let tag: UInt8 = 0xc0 | 11
    private static let prefix: [UInt8] = [UInt8(ascii: "b"), 0, 0, 0, 0, 0]

    static func encode(_ content: [UInt8]) -> [UInt8] {
        let length = content.count + prefix.count
        return [tag, 0xff] + ByteWriter.bigEndian(UInt32(length)) + prefix + content
    }

    /// - Throws: `truncated` and `malformed`; exactly what ``encode(_:)`` writes is read, no other way to say the same.
    static func decode(_ bytes: [UInt8], file: String) throws(StateError) -> [UInt8] {
        var reader = ByteReader(bytes, file: file)
        guard try reader.byte() == tag, try reader.byte() == 0xff else {
            throw .damaged(.malformed, file, "it does not begin as a literal data packet of DTM does")
        }
        let length = Int(try reader.integer(UInt32.self))
        guard length >= prefix.count, length <= maximum else {
            throw .damaged(.malformed, file, "it says that it has \(length) bytes")
        }
        guard try reader.bytes(prefix.count) == prefix else {
            throw .damaged(.malformed, file, "its packet is not one of DTM")
        }
        let content = try reader.bytes(length - prefix.count)
        try reader.end()
        return content
    }
}
