import DTMAnalysis

/// Takes the bytes of a table as they come and gives its rows, with no more than a line in memory.
///
/// ``feed(_:_:)`` … → ``finish(_:)``. Lines end with a line feed, with or without a carriage return; a byte order mark and one line of headings may
/// come first; empty lines don't count.
struct SeriesTable {
    /// A row that can't be read, and where.
    struct Failure: Error, Equatable {
        /// From 1.
        var line: Int
        var message: String
    }

    private var line: [UInt8] = []
    private var number = 1
    private var rows = 0

    /// - Throws: ``Failure``, and what `body` throws.
    mutating func feed(_ bytes: some Sequence<UInt8>, _ body: (SeriesRow) throws -> Void) throws {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                try end(body)
                number += 1
            } else {
                // One more for the carriage return, three for the mark.
                guard line.count < SeriesRow.longestLine + 4 else { throw tooLong }
                line.append(byte)
            }
        }
    }

    /// The last line may come without an end.
    ///
    /// - Throws: as ``feed(_:_:)``; when there was no row.
    mutating func finish(_ body: (SeriesRow) throws -> Void) throws {
        try end(body)
        guard rows > 0 else { throw Failure(line: number, message: "is the end, and there was no row") }
    }

    private var tooLong: Failure {
        Failure(line: number, message: "has more than \(SeriesRow.longestLine) bytes")
    }

    private mutating func end(_ body: (SeriesRow) throws -> Void) throws {
        defer { line.removeAll(keepingCapacity: true) }
        var content = line[...]
        if number == 1, content.starts(with: [0xef, 0xbb, 0xbf]) { content = content.dropFirst(3) }
        if content.last == UInt8(ascii: "\r") { content = content.dropLast() }
        guard content.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { return }
        if rows == 0, SeriesRow.isHeading(content) {
            rows = 0
            return
        }
        let row: SeriesRow
        do {
            row = try SeriesRow(line: content)
        } catch {
            throw Failure(line: number, message: error.message)
        }
        rows += 1
        try body(row)
    }
}
