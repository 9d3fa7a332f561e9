public import DTMCore

/// A baseline that can't be restored.
public struct DetectorStateError: DescribedError, Equatable {
    /// Why not.
    public enum Code: String, Hashable, Sendable {
        case notAState, version, tooShort, tooLong, value
    }

    public let code: Code
    public let message: String

    public var codeName: String { "analysis.state.\(code.rawValue)" }
    public var hint: String? { "leave it away: it is learnt again from what comes" }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}

/// Writes a detector's fields, or reads them in the same order and checks each: one description of the format for both ways.
///
/// Little-endian, fixed widths, no lengths in the data: how many there are follows from the version.
struct StateCoder {
    private(set) var bytes: [UInt8]
    private(set) var offset = 0
    let isReading: Bool
    /// What it is, for people.
    let name: String

    init(reading bytes: [UInt8], name: String = "a baseline") {
        self.bytes = bytes
        self.name = name
        isReading = true
    }

    init(name: String = "a baseline") {
        bytes = []
        self.name = name
        isReading = false
    }

    /// - Throws: `tooLong` when something is left to read.
    func finish() throws {
        guard isReading, offset != bytes.count else { return }
        throw DetectorStateError(.tooLong, "\(name) has \(bytes.count) bytes; allowed are \(offset)")
    }

    /// The low bytes of a number.
    mutating func raw(_ value: UInt64, width: Int) throws -> UInt64 {
        guard isReading else {
            for index in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
            return value
        }
        guard bytes.count - offset >= width else {
            throw DetectorStateError(.tooShort, "\(name) ends after \(bytes.count) bytes, within a field")
        }
        var read: UInt64 = 0
        for index in 0..<width { read |= UInt64(bytes[offset + index]) << (8 * UInt64(index)) }
        offset += width
        return read
    }

    mutating func code(_ value: inout Double, in range: ClosedRange<Double>) throws {
        value = Double(bitPattern: try raw(value.bitPattern, width: 8))
        try check(range.contains(value))
    }

    mutating func code(_ value: inout Float, in range: ClosedRange<Float>) throws {
        value = Float(bitPattern: UInt32(truncatingIfNeeded: try raw(UInt64(value.bitPattern), width: 4)))
        try check(range.contains(value))
    }

    mutating func code(_ value: inout Int, in range: ClosedRange<Int>) throws {
        value = Int(truncatingIfNeeded: Int64(bitPattern: try raw(UInt64(bitPattern: Int64(value)), width: 8)))
        try check(range.contains(value))
    }

    mutating func code(_ value: inout UInt64) throws { value = try raw(value, width: 8) }

    mutating func code(_ value: inout Bool) throws {
        let read = try raw(value ? 1 : 0, width: 1)
        try check(read <= 1)
        value = read == 1
    }

    mutating func code(_ values: inout [Float], in range: ClosedRange<Float>) throws {
        for index in values.indices { try code(&values[index], in: range) }
    }

    mutating func code(_ values: inout [UInt16]) throws {
        for index in values.indices {
            values[index] = UInt16(truncatingIfNeeded: try raw(UInt64(values[index]), width: 2))
        }
    }

    /// What another one wrote.
    mutating func append(_ other: StateCoder) { bytes += other.bytes }

    /// - Throws: `value` for what no detector can have written.
    func check(_ isAllowed: Bool) throws {
        guard isReading, !isAllowed else { return }
        throw DetectorStateError(.value, "\(name) holds a value that is never written, before byte \(offset)")
    }
}

/// Bounds on numbers, so that no sum or product of a few of them overflows.
enum Bounds {
    /// What larger values count as.
    static let value = 1e18
    static let values = -value...value
    static let floats = Float(-2e18)...Float(2e18)
    static let positives = 0...1e30
    /// Moments, in seconds: wide enough for any clock that is not broken.
    static let moments = -1e12...1e12
    static let counts = 0...(1 << 53)
}
