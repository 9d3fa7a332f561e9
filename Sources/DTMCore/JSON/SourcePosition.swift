/// A place in a text file, as editors count: both numbers start at 1.
public struct SourcePosition: Hashable, Sendable, CustomStringConvertible {
    /// Lines end with a line feed.
    public var line: Int
    /// In Unicode scalars, not in bytes.
    public var column: Int

    /// A place.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// `line:column`, as compilers write it.
    public var description: String { "\(line):\(column)" }
}
