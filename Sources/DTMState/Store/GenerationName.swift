/// The names of a generation's two files.
enum GenerationName {
    private static let prefix = "generation-"
    private static let digits = 10
    private static let head = ".head.pgp"
    private static let content = ".pgp"

    static func content(_ generation: UInt64) -> String { prefix + padded(generation) + content }
    static func head(_ generation: UInt64) -> String { prefix + padded(generation) + head }

    private static func padded(_ generation: UInt64) -> String {
        let text = String(generation)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// The generation of a commit's file; nil for other files.
    static func ofHead(_ name: String) -> UInt64? {
        guard name.hasPrefix(prefix), name.hasSuffix(head) else { return nil }
        return exact(name, name.dropFirst(prefix.count).dropLast(head.count), Self.head)
    }

    static func ofContent(_ name: String) -> UInt64? {
        guard name.hasPrefix(prefix), name.hasSuffix(content), !name.hasSuffix(head) else { return nil }
        return exact(name, name.dropFirst(prefix.count).dropLast(content.count), Self.content)
    }

    /// One name for each generation.
    private static func exact(_ name: String, _ number: Substring, _ spell: (UInt64) -> String) -> UInt64? {
        guard let generation = UInt64(number), spell(generation) == name else { return nil }
        return generation
    }
}
