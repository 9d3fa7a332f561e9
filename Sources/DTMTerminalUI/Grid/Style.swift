/// What a piece of text is, from which its looks follow: see ``Palette``.
enum Role: UInt8, CaseIterable, Sendable {
    case text = 0
    case dim, strong, title, header, good, warning, bad, accent, key, bar, barRest, graph, banner, alarm, frame
}

/// How a cell looks, without colours: its role, and whether it is part of what is selected.
struct Style: Hashable, Sendable {
    var role: Role
    var isSelected = false

    init(_ role: Role, isSelected: Bool = false) {
        self.role = role
        self.isSelected = isSelected
    }

    static let text = Self(.text)
}

/// How many colours a terminal has.
enum ColourDepth: Hashable, Sendable {
    case none, sixteen, twoHundredFiftySix

    /// - Parameter count: What the terminal's description says; 0 for none.
    init(colours count: Int, isRefused: Bool) {
        self = isRefused || count < 8 ? .none : count >= 256 ? .twoHundredFiftySix : .sixteen
    }
}

/// Colours by their numbers, −1 for the terminal's own, and attributes.
struct Appearance: Hashable, Sendable {
    var foreground = -1
    var background = -1
    var isBold = false
    var isDim = false
    var isUnderlined = false
    var isReversed = false
}

/// The looks of each role at a depth of colours. What carries meaning differs without colours too: by its text or by an
/// attribute.
struct Palette: Hashable, Sendable {
    var depth: ColourDepth

    func appearance(_ style: Style) -> Appearance {
        var appearance =
            switch depth {
            case .none: Self.plain(style.role)
            case .sixteen: Self.sixteen(style.role)
            case .twoHundredFiftySix: Self.many(style.role)
            }
        guard style.isSelected else { return appearance }
        if depth == .twoHundredFiftySix {
            appearance.background = 24
            appearance.isBold = true
            if appearance.foreground < 0 || style.role == .dim { appearance.foreground = 255 }
        } else {
            // One block, whatever is in it.
            appearance = Appearance(isBold: appearance.isBold, isReversed: true)
        }
        return appearance
    }

    private static func plain(_ role: Role) -> Appearance {
        switch role {
        case .text, .good, .bar, .graph: Appearance()
        case .dim, .barRest, .frame: Appearance(isDim: true)
        case .strong, .title, .accent, .warning, .key: Appearance(isBold: true)
        case .header: Appearance(isBold: true, isUnderlined: true)
        case .bad: Appearance(isBold: true, isUnderlined: true)
        case .banner: Appearance(isReversed: true)
        case .alarm: Appearance(isBold: true, isReversed: true)
        }
    }

    private static func sixteen(_ role: Role) -> Appearance {
        switch role {
        case .text: Appearance()
        case .dim, .barRest, .frame: Appearance(isDim: true)
        case .strong: Appearance(isBold: true)
        case .title: Appearance(foreground: 6, isBold: true)
        case .header: Appearance(foreground: 6)
        case .good: Appearance(foreground: 2)
        case .warning: Appearance(foreground: 3)
        case .bad: Appearance(foreground: 1, isBold: true)
        case .accent: Appearance(foreground: 5, isBold: true)
        case .key: Appearance(foreground: 6, isBold: true)
        case .bar: Appearance(foreground: 2)
        case .graph: Appearance(foreground: 4, isBold: true)
        case .banner: Appearance(foreground: 7, background: 4, isBold: true)
        case .alarm: Appearance(foreground: 7, background: 1, isBold: true)
        }
    }

    private static func many(_ role: Role) -> Appearance {
        switch role {
        case .text: Appearance()
        case .dim: Appearance(foreground: 245)
        case .strong: Appearance(isBold: true)
        case .title: Appearance(foreground: 81, isBold: true)
        case .header: Appearance(foreground: 109)
        case .good: Appearance(foreground: 78)
        case .warning: Appearance(foreground: 214)
        case .bad: Appearance(foreground: 203, isBold: true)
        case .accent: Appearance(foreground: 141, isBold: true)
        case .key: Appearance(foreground: 81, isBold: true)
        case .bar: Appearance(foreground: 78)
        case .barRest: Appearance(foreground: 238)
        case .graph: Appearance(foreground: 75)
        case .banner: Appearance(foreground: 255, background: 24, isBold: true)
        case .alarm: Appearance(foreground: 255, background: 160, isBold: true)
        case .frame: Appearance(foreground: 240)
        }
    }
}
