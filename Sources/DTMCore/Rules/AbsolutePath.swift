/// A path from the root, in the one form that the kernel writes: no empty part, no `.` or `..`, no slash at the end.
///
/// Two paths are equal when their bytes are: `String` takes texts for equal that are two files to the kernel.
public struct AbsolutePath: Hashable, Sendable, CustomStringConvertible {
    /// The path.
    public let text: String

    /// The longest path in bytes (`PATH_MAX` of `limits.h`, without its terminating zero).
    public static let maximumBytes = 4_095

    /// Nil for anything else, and for a path with a zero byte or a replacement character, which stands for bytes that are
    /// not UTF-8.
    public init?(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= Self.maximumBytes,
            !text.unicodeScalars.contains(where: { $0.value == 0 || $0.value == 0xfffd })
        else { return nil }
        let parts = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isNormal = parts.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
        guard isNormal || text == "/" else { return nil }
        self.text = text
    }

    public var description: String { text }

    /// True for the path itself and for what lies below it.
    public func contains(_ other: Self) -> Bool {
        guard other.text.utf8.starts(with: text.utf8) else { return false }
        let rest = other.text.utf8.dropFirst(text.utf8.count)
        return rest.isEmpty || rest.first == UInt8(ascii: "/") || text == "/"
    }

    public static func == (left: Self, right: Self) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    public func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}
