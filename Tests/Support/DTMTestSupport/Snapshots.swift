import Glibc
import Testing

/// Texts that were agreed on, a file each.
package struct Snapshots: Sendable {
    private let folder: String

    /// - Parameters:
    ///   - name: The folder beside the test.
    ///   - file: The test.
    package init(_ name: String, beside file: String = #filePath) {
        folder = file.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/\(name)"
    }

    /// Compares `text` with the file, or writes the file when `UPDATE_SNAPSHOTS` is 1.
    package func compare(_ text: String, with name: String) throws {
        let path = "\(folder)/\(name).txt"
        if getenv("UPDATE_SNAPSHOTS").map({ String(cString: $0) }) == "1" {
            try write(text, to: path)
        }
        #expect(read(path) == text, "\(name).txt differs; if that is meant, run with UPDATE_SNAPSHOTS=1")
    }

    /// The names of the files, without their ending.
    package var names: [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".txt") { names.append(String(name.dropLast(4))) }
        }
        return names
    }

    private func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var text: [UInt8] = []
        while case let byte = getc(file), byte != EOF { text.append(UInt8(byte)) }
        return String(decoding: text, as: UTF8.self)
    }

    private func write(_ text: String, to path: String) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        #expect(fputs(text, file) >= 0)
    }
}
