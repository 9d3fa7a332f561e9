/// A place in bytes that somebody else holds, with the line and column that go with it.
///
/// Every access is checked against the length, in release builds too. The cursor must not outlive the closure that
/// lent the bytes; it is used only inside `JSONParser.parse`.
struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0
    private var line = 1
    private var lineStart = 0
    /// UTF-8 continuation bytes since the line began: they take no column.
    private var continuationBytes = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset >= bytes.count }

    /// The byte at the cursor; nil at the end.
    var current: UInt8? { byte(at: offset) }

    var position: SourcePosition {
        SourcePosition(line: line, column: offset - lineStart - continuationBytes + 1)
    }

    func byte(at index: Int) -> UInt8? {
        index >= 0 && index < bytes.count ? bytes[index] : nil
    }

    /// Steps over one byte; nothing happens at the end.
    mutating func advance() {
        guard let byte = current else { return }
        offset += 1
        if byte == UInt8(ascii: "\n") {
            line += 1
            lineStart = offset
            continuationBytes = 0
        } else if byte & 0b1100_0000 == 0b1000_0000 {
            continuationBytes += 1
        }
    }

    /// Steps over `byte` when it is next, and says whether it was.
    mutating func skip(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        advance()
        return true
    }

    /// Steps over `text` when it is next, and says whether it was.
    mutating func skip(_ text: StaticString) -> Bool {
        guard isAt(text) else { return false }
        for _ in 0..<text.withUTF8Buffer(\.count) { advance() }
        return true
    }

    /// Whether `text` is next.
    func isAt(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { expected in
            expected.enumerated().allSatisfy { byte(at: offset + $0.offset) == $0.element }
        }
    }

    /// The bytes of `range` as text; parts beyond the end are left out.
    func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range.clamped(to: 0..<bytes.count)], as: UTF8.self)
    }

    /// What is at the cursor, for a message.
    var currentDescription: String {
        guard let byte = current else { return "the end of the file" }
        guard (0x20...0x7e).contains(byte) else { return "the byte 0x\(hexadecimal(byte))" }
        return "'\(Character(Unicode.Scalar(byte)))'"
    }

    private func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.utf8.count == 1 ? "0\(digits)" : digits
    }
}
