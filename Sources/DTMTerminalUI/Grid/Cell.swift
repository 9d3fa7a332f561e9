/// One place of the screen: a character, by its scalars, and its style.
///
/// Two marks are kept of a character that has more: nobody needs them, and names come from anybody.
struct Cell: Hashable, Sendable {
    /// The base scalar; 0 in the second half of a wide character.
    var scalar: UInt32
    /// Marks that combine with it; 0 for none.
    var marks: (UInt32, UInt32) = (0, 0)
    var style: Style

    init(_ scalar: Unicode.Scalar = " ", _ style: Style = .text) {
        self.scalar = scalar.value
        self.style = style
    }

    static let blank = Self()

    /// The second half of a wide character.
    static func tail(_ style: Style) -> Self {
        var cell = Self(" ", style)
        cell.scalar = 0
        return cell
    }

    var isTail: Bool { scalar == 0 }

    static func == (left: Self, right: Self) -> Bool {
        left.scalar == right.scalar && left.style == right.style && left.marks == right.marks
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(scalar)
        hasher.combine(style)
    }

    /// As text; empty for the second half of a wide character.
    var text: String {
        var text = String.UnicodeScalarView()
        for value in [scalar, marks.0, marks.1] where value != 0 {
            if let scalar = Unicode.Scalar(value) { text.append(scalar) }
        }
        return String(text)
    }
}
