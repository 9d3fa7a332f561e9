import DTMAPI
import DTMText
import Glibc

/// How text may look where it goes: how wide it may be, and whether it may have colours.
package struct TextStyle: Hashable, Sendable {
    /// Columns of the terminal; nil when the output is no terminal: then nothing is cut off.
    package var width: Int?
    package var hasColour: Bool

    package init(width: Int?, hasColour: Bool) {
        self.width = width
        self.hasColour = hasColour
    }

    /// No cuts and no colours.
    package static let plain = Self(width: nil, hasColour: false)

    /// What fits `descriptor`: colours on a terminal alone, and not when `NO_COLOR` says so (no-color.org) or the
    /// terminal can't.
    package static func suiting(
        descriptor: Int32, environment: (String) -> String? = HomeDirectory.variable
    ) -> Self {
        guard isatty(descriptor) == 1 else { return .plain }
        let refused = environment("NO_COLOR").map { !$0.isEmpty } ?? false
        return Self(width: columns(of: descriptor), hasColour: !refused && environment("TERM") != "dumb")
    }

    private static func columns(of descriptor: Int32) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// What a piece of text is to look like.
    package enum Paint: String, Sendable {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    /// `text` with the codes around it (ECMA-48, SGR), or as it is where there are no colours.
    package func paint(_ text: String, _ paint: Paint?) -> String {
        guard hasColour, let paint, !text.isEmpty else { return text }
        return "\u{1b}[\(paint.rawValue)m\(text)\u{1b}[0m"
    }
}
