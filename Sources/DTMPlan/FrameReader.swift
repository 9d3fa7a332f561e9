/// Reads a payload field by field. Every read names its field, is checked against what is left, and throws.
public struct FrameReader: Sendable {
    private let bytes: [UInt8]
    private var offset: Int
    private let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    private var left: Int { end - offset }

    /// Claims `count` bytes; where they start.
    private mutating func take(_ count: Int, _ field: StaticString) throws(PlanError) -> Int {
        guard count <= left else { throw .truncated(field, needed: count, left: left) }
        defer { offset += count }
        return offset
    }

    /// Call last: nothing may be left.
    func finish() throws(PlanError) {
        if left != 0 { throw .trailing(left) }
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, _ field: StaticString
    ) throws(PlanError) -> Value {
        let start = try take(MemoryLayout<Value>.size, field)
        let raw = bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: start, as: type)
        return Value(bigEndian: raw)
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, in bound: PlanBound
    ) throws(PlanError) -> Value {
        let value = try integer(type, bound.field)
        guard let number = Int(exactly: value), bound.allowed.contains(number) else {
            throw .size(bound, Int(clamping: value))
        }
        return value
    }

    mutating func flag(_ field: StaticString) throws(PlanError) -> Bool {
        let value = try integer(UInt8.self, field)
        guard value <= 1 else { throw .value(field, value, allowed: "0 and 1") }
        return value == 1
    }

    /// A value of an enumeration.
    mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ type: Value.Type, _ field: StaticString
    ) throws(PlanError) -> Value where Value.RawValue == UInt8 {
        let raw = try integer(UInt8.self, field)
        guard let value = Value(rawValue: raw) else {
            throw .value(field, raw, allowed: Value.allCases.map { "\($0.rawValue)" }.joined(separator: ", "))
        }
        return value
    }

    /// A count of entries that take `least` bytes each or more: it is believed only when they can all be there.
    mutating func count(in bound: PlanBound, least: Int) throws(PlanError) -> Int {
        let count = Int(try integer(UInt16.self, bound.field))
        guard bound.allowed.contains(count) else { throw .size(bound, count) }
        guard count * least <= left else { throw .truncated(bound.field, needed: count * least, left: left) }
        return count
    }

    mutating func byteString(in bound: PlanBound) throws(PlanError) -> [UInt8] {
        let range = try byteRange(in: bound)
        return Array(bytes[range])
    }

    mutating func text(in bound: PlanBound) throws(PlanError) -> String {
        let range = try byteRange(in: bound)
        guard let text = String(validating: bytes[range], as: UTF8.self) else { throw .text(bound.field, "UTF-8") }
        return text
    }

    private mutating func byteRange(in bound: PlanBound) throws(PlanError) -> Range<Int> {
        let count = try count(in: bound, least: 1)
        let start = try take(count, bound.field)
        return start..<start + count
    }

    mutating func list<Part: FramePart>(of type: Part.Type, in bound: PlanBound) throws(PlanError) -> [Part] {
        try list(in: bound, least: type.leastBytes) { reader throws(PlanError) in try Part(from: &reader) }
    }

    mutating func list<Entry>(
        in bound: PlanBound, least: Int, _ entry: (inout Self) throws(PlanError) -> Entry
    ) throws(PlanError) -> [Entry] {
        let count = try count(in: bound, least: least)
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count { entries.append(try entry(&self)) }
        return entries
    }

    mutating func part<Part: FramePart>(_ type: Part.Type) throws(PlanError) -> Part { try Part(from: &self) }

    mutating func optional<Part: FramePart>(_ type: Part.Type, _ field: StaticString) throws(PlanError) -> Part? {
        try flag(field) ? try Part(from: &self) : nil
    }
}
