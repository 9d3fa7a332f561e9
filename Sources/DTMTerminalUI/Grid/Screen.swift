/// What a view needs to know of where it is shown.
struct Canvas: Hashable, Sendable {
    var rows: Int
    var columns: Int
    var glyphs = Glyphs.unicode

    /// Below this there is no room for anything.
    static let leastRows = 15
    static let leastColumns = 60

    var isLargeEnough: Bool { rows >= Self.leastRows && columns >= Self.leastColumns }
}
