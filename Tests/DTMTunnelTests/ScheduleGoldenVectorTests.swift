import DTMCore
import DTMSecrets
import DTMTunnel
import Glibc
import Testing

/// Holds the implementation against the tables of `docs/rotation-protocol.md`, which another implementation made: the
/// document is the fixture.
@Suite("Golden vectors of the rotation protocol")
struct ScheduleGoldenVectorTests {
    @Test("Every epoch of the table lies in its window")
    func windows() throws {
        let rows = try GoldenTable.rows(under: "epoch | interval ms | window")
        #expect(rows.count >= 6)
        for row in rows {
            let epoch = try #require(UInt64(row[0]))
            let interval = try #require(UInt32(row[1]))
            #expect(ScheduleWindow.index(of: epoch, intervalMilliseconds: interval) == UInt64(row[2]))
        }
    }

    @Test("Every window key of the table is derived from the root")
    func windowKeys() throws {
        let rows = try GoldenTable.rows(under: "tunnel | window | key")
        #expect(rows.count >= 4)
        for row in rows {
            let tunnel = try #require(TunnelID(row[0]))
            let window = try #require(UInt64(row[1]))
            let expected = try #require(Hexadecimal.decode(row[2]))
            let key = try WindowKeys.derive(root: try Self.root(), tunnel: tunnel, window: window)
            let isEqual = key.isEqual(to: try SecretBytes(count: 32) { $0.copyBytes(from: expected) })
            #expect(isEqual, "window \(window)")
        }
    }

    @Test("Every list of candidates of the table comes out")
    func candidates() throws {
        let rows = try GoldenTable.rows(
            under: "mode | interval ms | range | skipped | epoch | generation | first | candidates")
        #expect(rows.count >= 12)
        let tunnel = try #require(TunnelID("f0e1d2c3b4a5968778695a4b3c2d1e0f"))
        for row in rows {
            let schedule = try Self.schedule(row)
            let turn = ScheduleTurn(
                epoch: try #require(UInt64(row[4])), generation: try #require(UInt32(row[5])))
            let key = try WindowKeys.derive(
                root: try Self.root(), tunnel: tunnel, window: schedule.window(of: turn.epoch))
            let expected = row[7].split(separator: " ").map(String.init)
            let first = try #require(Int(row[6]))
            let found = schedule.candidates(turn: turn, windowKey: key, first: first, limit: expected.count)
            #expect(found.map(\.description) == expected, "\(row)")
        }
    }

    private static func root() throws -> SecretBytes {
        try SecretBytes(count: 32) { $0.copyBytes(from: (0..<32).map(UInt8.init)) }
    }

    private static func schedule(_ row: [String]) throws -> EndpointSchedule {
        let range = row[2].split(separator: "-").compactMap { UInt16($0) }
        return try EndpointSchedule(
            parameters: ScheduleParameters(
                intervalMilliseconds: try #require(UInt32(row[1])), lowestPort: try #require(range.first),
                highestPort: try #require(range.last),
                skippedPorts: row[3].split(separator: " ").compactMap { UInt16($0) },
                addressMode: try #require(AddressMode(rawValue: row[0]))))
    }
}

/// The tables of the document.
private enum GoldenTable {
    /// The rows of the table with that heading, cell by cell.
    static func rows(under heading: String) throws -> [[String]] {
        let lines = try text().split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0 == "| \(heading) |" }, "no table with the columns \(heading)")
        return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|").map { cell in
                String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
        }
    }

    private static func text() throws -> String {
        let here = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        let path = here.dropLast(3).joined(separator: "/") + "/docs/rotation-protocol.md"
        let file = try #require(fopen(path, "r"), "\(path) can't be opened")
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
