/// Appends frames to a buffer, field by field, and refuses what breaks a bound.
public struct FrameWriter: Sendable {
    /// Whole frames, back to back.
    private(set) var bytes: [UInt8] = []

    init() {}

    var count: Int { bytes.count }

    mutating func truncate(to count: Int) { bytes.removeLast(bytes.count - count) }

    /// Empties it; a large buffer is given back.
    mutating func removeAll() { bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10) }

    /// Appends one frame: its header, and the payload that `body` appends. `secretBytes` of the payload come later,
    /// from elsewhere. Nothing is appended on an error.
    mutating func frame(
        type: UInt8, limit: Int, secretBytes: Int = 0, _ body: (inout Self) throws(PlanError) -> Void
    ) throws(PlanError) {
        let start = bytes.count
        do throws(PlanError) {
            integer(UInt32(0))
            integer(type)
            try body(&self)
            let length = bytes.count - start - PlanProtocol.headerBytes + secretBytes
            guard length <= limit else { throw .size(PlanBound("length", 0...limit, "bytes"), length) }
            replaceInteger(at: start, UInt32(length))
        } catch {
            truncate(to: start)
            throw error
        }
    }

    mutating func integer<Value: FixedWidthInteger & Sendable>(_ value: Value) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func replaceInteger(at offset: Int, _ value: UInt32) {
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32(index))) }
    }

    mutating func flag(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// A number that has a bound of its own.
    mutating func integer<Value: FixedWidthInteger & Sendable>(_ value: Value, in bound: PlanBound) throws(PlanError) {
        guard let number = Int(exactly: value), bound.allowed.contains(number) else {
            throw .size(bound, Int(clamping: value))
        }
        integer(value)
    }

    mutating func count(_ count: Int, in bound: PlanBound) throws(PlanError) {
        guard bound.allowed.contains(count), let short = UInt16(exactly: count) else { throw .size(bound, count) }
        integer(short)
    }

    mutating func byteString(_ value: [UInt8], in bound: PlanBound) throws(PlanError) {
        try count(value.count, in: bound)
        bytes.append(contentsOf: value)
    }

    mutating func text(_ value: String, in bound: PlanBound) throws(PlanError) {
        let utf8 = value.utf8
        try count(utf8.count, in: bound)
        bytes.append(contentsOf: utf8)
    }

    /// Text for people: cut at a character's end when it is too long, because it must not cost the message.
    mutating func prose(_ value: String, in bound: PlanBound) throws(PlanError) {
        guard value.utf8.count > bound.allowed.upperBound else { return try text(value, in: bound) }
        var end = value.utf8.index(value.startIndex, offsetBy: bound.allowed.upperBound)
        while end.samePosition(in: value.unicodeScalars) == nil { end = value.utf8.index(before: end) }
        try text(String(value[..<end]), in: bound)
    }

    mutating func list(_ parts: [some FramePart], in bound: PlanBound) throws(PlanError) {
        try count(parts.count, in: bound)
        for part in parts { try part.append(to: &self) }
    }

    mutating func part(_ part: some FramePart) throws(PlanError) { try part.append(to: &self) }

    mutating func optional(_ part: (some FramePart)?) throws(PlanError) {
        flag(part != nil)
        if let part { try part.append(to: &self) }
    }
}
