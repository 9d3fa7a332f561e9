import DTMText
import Glibc

/// Reads a table from a file, or from the standard input for `-`.
enum SeriesFile {
    /// - Parameters:
    ///   - hint: What becomes of the rows before one that can't be read.
    ///   - take: Called for each row.
    ///   - afterEachRead: Called when some rows were taken.
    /// - Throws: `analysis.table` for a row that can't be read; ``CommandFailure``, and what the bodies throw.
    static func read(
        _ csv: String, hint: String, _ take: (SeriesRow) throws -> Void, afterEachRead: () throws -> Void = {}
    ) throws {
        let name = csv == "-" ? "the standard input" : shown(csv)
        do {
            if csv == "-" { return try read(STDIN_FILENO, name, take, afterEachRead) }
            try SecretFile.withDescriptor(of: csv) { try read($0, name, take, afterEachRead) }
        } catch let failure as SeriesTable.Failure {
            throw CommandFailure(
                codeName: "analysis.table", message: "line \(failure.line) of \(name) \(failure.message)",
                hint: "\(hint); dtm analyze show --help shows what a table looks like")
        }
    }

    private static func read(
        _ descriptor: Int32, _ name: String, _ take: (SeriesRow) throws -> Void, _ afterEachRead: () throws -> Void
    ) throws {
        var table = SeriesTable()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while let count = try fill(&buffer, from: descriptor, name) {
            try table.feed(buffer.prefix(count), take)
            try afterEachRead()
        }
        try table.finish(take)
    }

    /// Nil at the end.
    private static func fill(_ buffer: inout [UInt8], from descriptor: Int32, _ name: String) throws -> Int? {
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count >= 0 { return count == 0 ? nil : count }
            guard errno == EINTR else {
                throw CommandFailure(message: "\(name) can't be read: \(String(cString: strerror(errno)))")
            }
        }
    }
}
