import DTMCore

/// Text from somewhere else, as it may be shown on a terminal: what would move the cursor, change colours, reorder the
/// line or end it is written as an escape, as `\x1b` or `\u{202e}`.
package func shown(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if isUnsafe(scalar) {
            result += escape(scalar)
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// JSON text with the same scalars as `\uXXXX`, except for the white space between values. In JSON they can stand
/// inside strings alone, and a writer need escape only those below U+0020.
package func shownJSON(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if isUnsafe(scalar), scalar != "\n", scalar != "\t" {
            for unit in UTF16.encode(scalar).map(Array.init) ?? [] {
                result += "\\u" + hexadecimal(UInt32(unit), digits: 4)
            }
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// Controls of C0 and C1, DEL, line and paragraph separators, marks that reorder or hide text, and tags.
package func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1f, 0x7f...0x9f, 0xad, 0x61c, 0x180e, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff,
        0xfff9...0xfffb, 0xe0000...0xe007f:
        true
    default: false
    }
}

private func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case _ where scalar.value < 0x100: "\\x" + hexadecimal(scalar.value, digits: 2)
    default: "\\u{" + String(scalar.value, radix: 16) + "}"
    }
}

private func hexadecimal(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}

/// How many columns `text` takes on a terminal.
package func columns(of text: some StringProtocol) -> Int {
    let utf8 = text.utf8.count
    let scalars = text.unicodeScalars
    return utf8 == scalars.count ? utf8 : scalars.reduce(0) { $0 + columnsTaken(by: $1) }
}

/// How many columns a scalar takes: 0 for a mark that combines with what stands before it, 2 for the wide and full-width
/// forms of East Asia and for pictographs (Unicode Standard Annex 11), otherwise 1. As terminals count, scalar by scalar.
package func columnsTaken(by scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0..<0x300: return 1
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
        0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f6ff, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
        return 2
    default: break
    }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return 1
    }
}

private func columns(of character: Character) -> Int {
    character.unicodeScalars.reduce(0) { $0 + columnsTaken(by: $1) }
}

/// `text` cut to `width` columns, with an ellipsis where something is missing.
package func cut(_ text: String, to width: Int) -> String {
    guard columns(of: text) > width else { return text }
    var result = ""
    var used = 0
    for character in text {
        let next = columns(of: character)
        guard used + next <= width - 1 else { break }
        result.append(character)
        used += next
    }
    return width > 0 ? result + "…" : ""
}

/// Lines of at most `width` columns, broken at blanks; a longer word has a line of its own.
package func wrapped(_ text: String, to width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
        if !line.isEmpty, columns(of: line) + 1 + columns(of: String(word)) > width {
            lines.append(line)
            line = ""
        }
        line += (line.isEmpty ? "" : " ") + word
    }
    return lines + [line]
}
