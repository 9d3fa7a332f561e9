import DTMText

/// A view of which not all may fit on a screen: its body is cut then, what it says about it stays.
struct ViewText: Hashable, Sendable {
    var body: [String]
    var notes: [String] = []

    /// - Parameter height: Lines of the screen; nil when there is no end to them.
    func lines(height: Int? = nil) -> [String] {
        guard let height, body.count + notes.count > height else { return body + notes }
        let kept = max(0, height - notes.count - 1)
        let rest = body.count - kept
        return (body.prefix(kept) + ["… \(Quantity.count(rest, "more line"))"] + notes).prefix(height).map(\.self)
    }
}
