import DTMAnalysis
import DTMCore
import DTMText

/// A row of a series: `timestamp,value`, as people export it.
struct SeriesRow: Equatable {
    /// As it stood there.
    var timestamp: String
    var value: String
    /// A missing value is not a number.
    var sample: SeriesSample

    /// A row that can't be read: what is wrong with it, for a sentence that begins with the line.
    struct Failure: Error, Equatable {
        var message: String
    }

    /// The longest line that is read, in bytes.
    static let longestLine = 1_024

    /// - Throws: ``Failure``.
    init(line: some Collection<UInt8>) throws(Failure) {
        let fields = try Self.fields(line)
        guard fields.count == 2 else {
            throw Failure(message: "has \(fields.count) fields; a row is timestamp,value")
        }
        timestamp = fields[0]
        value = fields[1]
        guard let time = SeriesTime.seconds(timestamp) else {
            throw Failure(
                message:
                    "has the timestamp '\(Self.excerpt(timestamp))'; allowed are RFC 3339, YYYY-MM-DD HH:MM:SS and Unix seconds"
            )
        }
        guard let number = Self.number(value) else {
            throw Failure(
                message:
                    "has the value '\(Self.excerpt(value))'; allowed are a number, and nothing or NaN where one is missing"
            )
        }
        sample = SeriesSample(time: time, value: number)
    }

    /// Whether this is the line of headings that may come first.
    static func isHeading(_ line: some Collection<UInt8>) -> Bool {
        guard let fields = try? fields(line), fields.count == 2 else { return false }
        return fields[0].lowercased() == "timestamp" && fields[1].lowercased() == "value"
    }

    private static func excerpt(_ text: String) -> String {
        text.count > 40 ? shown(String(text.prefix(40))) + "…" : shown(text)
    }

    private static func number(_ text: String) -> Double? {
        if text.isEmpty || text.lowercased() == "nan" { return .nan }
        // Hexadecimal, "infinity" and the like are numbers for Swift, not for a table.
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text)
    }

    /// Fields of RFC 4180, without line feeds in them; blanks around them don't count.
    private static func fields(_ line: some Collection<UInt8>) throws(Failure) -> [String] {
        guard line.count <= longestLine else {
            throw Failure(message: "has more than \(longestLine) bytes")
        }
        guard let text = String(validating: line, as: UTF8.self) else { throw Failure(message: "is not UTF-8") }
        var reader = FieldReader(text)
        return try reader.all()
    }
}

/// Takes a line apart.
private struct FieldReader {
    private var rest: Substring.UnicodeScalarView

    init(_ text: String) { rest = text[...].unicodeScalars }

    mutating func all() throws(SeriesRow.Failure) -> [String] {
        var fields = [try field()]
        while rest.first == "," {
            rest.removeFirst()
            fields.append(try field())
        }
        guard rest.isEmpty else { throw SeriesRow.Failure(message: "has text behind a closing quote") }
        return fields
    }

    private mutating func field() throws(SeriesRow.Failure) -> String {
        skipBlanks()
        guard rest.first == "\"" else {
            var plain = Substring(rest.prefix { $0 != "," })
            rest = rest.dropFirst(plain.unicodeScalars.count)
            while plain.last == " " || plain.last == "\t" { plain.removeLast() }
            return String(plain)
        }
        return try quoted()
    }

    private mutating func quoted() throws(SeriesRow.Failure) -> String {
        rest.removeFirst()
        var text = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            if scalar != "\"" {
                text.append(scalar)
            } else if rest.first == "\"" {
                text.append(scalar)
                rest.removeFirst()
            } else {
                skipBlanks()
                return String(text)
            }
        }
        throw SeriesRow.Failure(message: "has a quote that is not closed")
    }

    private mutating func skipBlanks() {
        while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
    }
}
