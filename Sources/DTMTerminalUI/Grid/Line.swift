import DTMText

/// A piece of text in one role.
struct Span: Hashable, Sendable {
    var text: String
    var role: Role

    init(_ text: String, _ role: Role = .text) {
        self.text = text
        self.role = role
    }
}

/// One row of text in pieces.
struct Line: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    var spans: [Span]

    init(_ spans: [Span]) { self.spans = spans }
    init(_ text: String, _ role: Role = .text) { spans = [Span(text, role)] }
    init(stringLiteral value: String) { self.init(value) }
    init(arrayLiteral elements: Span...) { spans = elements }

    static let empty = Self([])

    /// How many columns it takes.
    var width: Int { spans.reduce(0) { $0 + DTMText.columns(of: $1.text) } }

    static func + (left: Self, right: Self) -> Self { Self(left.spans + right.spans) }
}

extension Grid {
    /// Writes a line; what does not fit ends in an ellipsis.
    mutating func put(_ line: Line, row: Int, column: Int, end: Int? = nil, glyphs: Glyphs) {
        let end = min(columns, end ?? columns)
        let isCut = column + line.width > end
        var position = column
        let limit = isCut ? end - DTMText.columns(of: glyphs.ellipsis) : end
        for span in line.spans where position < limit {
            position = put(span.text, row: row, column: position, style: Style(span.role), end: limit)
        }
        if isCut { put(glyphs.ellipsis, row: row, column: max(column, position), style: Style(.dim), end: end) }
    }
}

extension Line {
    /// Exactly `width` columns: cut, with an ellipsis, or filled up with blanks.
    func fitted(to width: Int, glyphs: Glyphs) -> Line {
        let own = self.width
        guard own > width else { return Line(spans + [Span(String(repeating: " ", count: width - own))]) }
        let limit = max(0, width - DTMText.columns(of: glyphs.ellipsis))
        var result: [Span] = []
        var used = 0
        for span in spans where used < limit {
            let text = Self.prefix(of: span.text, columns: limit - used)
            used += DTMText.columns(of: text)
            result.append(Span(text, span.role))
        }
        result.append(Span(glyphs.ellipsis, .dim))
        used += DTMText.columns(of: glyphs.ellipsis)
        if used < width { result.append(Span(String(repeating: " ", count: width - used))) }
        return Line(result)
    }

    private static func prefix(of text: String, columns limit: Int) -> String {
        var result = String.UnicodeScalarView()
        var used = 0
        for scalar in text.unicodeScalars {
            let next = columnsTaken(by: scalar)
            guard used + next <= limit else { break }
            result.append(scalar)
            used += next
        }
        return String(result)
    }
}
