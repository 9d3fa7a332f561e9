/// Writes numbers and bytes one after another, big-endian.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    mutating func append(_ value: some FixedWidthInteger) { bytes += Self.bigEndian(value) }
    mutating func append(_ other: [UInt8]) { bytes += other }
    /// A length of four bytes, then these.
    mutating func appendField(_ field: [UInt8]) {
        append(UInt32(field.count))
        bytes += field
    }
}

/// Reads what ``ByteWriter`` writes; nothing is taken on trust.
struct ByteReader {
    private let source: [UInt8]
    private let file: String
    private(set) var position = 0

    init(_ source: [UInt8], file: String) {
        self.source = source
        self.file = file
    }

    mutating func byte() throws(StateError) -> UInt8 { try bytes(1)[0] }

    mutating func bytes(_ count: Int) throws(StateError) -> [UInt8] {
        guard count >= 0, count <= source.count - position else {
            throw .damaged(.truncated, file, "it ends after \(source.count) bytes, in the middle")
        }
        defer { position += count }
        return Array(source[position..<position + count])
    }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws(StateError) -> Value {
        try bytes(Value.bitWidth / 8).reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }

    mutating func field(atMost limit: Int) throws(StateError) -> [UInt8] {
        let count = Int(try integer(UInt32.self))
        guard count <= limit else {
            throw .damaged(
                .malformed, file, "a part of it says that it has \(count) bytes; at most \(limit) are allowed")
        }
        return try bytes(count)
    }

    func end() throws(StateError) {
        guard position == source.count else {
            throw .damaged(.malformed, file, "\(source.count - position) bytes follow its end")
        }
    }
}
