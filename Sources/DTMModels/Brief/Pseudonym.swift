/// What an application is called outside this host: `app-3`. It says nothing of the application, and stays the same.
public struct Pseudonym: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Never used for another application of this installation.
    public let number: Int

    public init(number: Int) { self.number = max(0, number) }

    public var description: String { "app-\(number)" }

    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}
