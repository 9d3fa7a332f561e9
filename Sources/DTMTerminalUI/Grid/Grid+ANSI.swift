extension Grid {
    /// The screen as a terminal would be told to show it (ECMA-48, SGR): for files and comparisons.
    func ansi(_ palette: Palette) -> String {
        (0..<rows).map { line($0, palette) }.joined(separator: "\n") + "\n"
    }

    private func line(_ row: Int, _ palette: Palette) -> String {
        var result = ""
        var current = Appearance()
        var last = columns
        while last > 0, self[row, last - 1] == .blank { last -= 1 }
        for column in 0..<last {
            let cell = self[row, column]
            let wanted = palette.appearance(cell.style)
            if wanted != current {
                result += wanted.code
                current = wanted
            }
            result += cell.text
        }
        return current == Appearance() ? result : result + "\u{1b}[0m"
    }
}

extension Appearance {
    /// From whatever was before to this.
    fileprivate var code: String {
        var codes = ["0"]
        if isBold { codes.append("1") }
        if isDim { codes.append("2") }
        if isUnderlined { codes.append("4") }
        if isReversed { codes.append("7") }
        if foreground >= 0 { codes.append(foreground < 8 ? "3\(foreground)" : "38;5;\(foreground)") }
        if background >= 0 { codes.append(background < 8 ? "4\(background)" : "48;5;\(background)") }
        return "\u{1b}[\(codes.joined(separator: ";"))m"
    }
}
