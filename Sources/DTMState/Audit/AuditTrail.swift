public import DTMCore

/// What happened, in an order that can't be changed afterwards without showing: each entry's hash covers the hash of
/// the one before. A value; it lives in the sealed state.
public struct AuditTrail: Sendable, Equatable {
    /// One line of it.
    public struct Entry: Hashable, Sendable {
        /// From 1, without gaps.
        public var number: UInt64
        public var time: Timestamp
        /// One line of text without control characters; what an event has, as JSON.
        public var text: String
        /// SHA-256 of the hash before ‖ number (8) ‖ time (8) ‖ text.
        public var hash: [UInt8]
    }

    /// Ascending.
    public private(set) var entries: [Entry] = []
    /// The hash before the first entry that is kept; zeros when that is number 1.
    public private(set) var base = Digest.none
    /// The number of the next entry.
    public private(set) var next: UInt64 = 1
    private var bytes = 0

    /// The most bytes of text that are kept; the oldest half goes when there is more.
    public static let maximumBytes = 1 << 20
    /// The longest text of one entry, in bytes.
    public static let maximumText = 4_096
    private static let magic = Array("DTMAUDT1".utf8)

    public init() {}

    public mutating func append(_ text: String, at time: Timestamp) {
        let text = Self.clean(text)
        let hash = Self.hash(after: entries.last?.hash ?? base, next, time, text)
        entries.append(Entry(number: next, time: time, text: text, hash: hash))
        next += 1
        bytes += text.utf8.count
        if bytes > Self.maximumBytes { forgetHalf() }
    }

    private mutating func forgetHalf() {
        let gone = entries.count / 2
        guard gone > 0 else { return }
        base = entries[gone - 1].hash
        bytes -= entries[..<gone].reduce(0) { $0 + $1.text.utf8.count }
        entries.removeFirst(gone)
    }

    private static func clean(_ text: String) -> String {
        var cleaned = String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
        while cleaned.utf8.count > maximumText { cleaned.removeLast() }
        return cleaned
    }

    private static func hash(after previous: [UInt8], _ number: UInt64, _ time: Timestamp, _ text: String) -> [UInt8] {
        Digest.of(
            previous + ByteWriter.bigEndian(number) + ByteWriter.bigEndian(UInt64(bitPattern: time.nanoseconds))
                + Array(text.utf8))
    }

    // MARK: Keeping

    /// `DTMAUDT1` ‖ hash before the first entry (32) ‖ number of the first (8) ‖ count (4) ‖ for each: time (8) ‖ hash
    /// (32) ‖ length (4) ‖ text.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(base)
        writer.append(next - UInt64(entries.count))
        writer.append(UInt32(entries.count))
        for entry in entries {
            writer.append(UInt64(bitPattern: entry.time.nanoseconds))
            writer.append(entry.hash)
            writer.appendField(Array(entry.text.utf8))
        }
        return writer.bytes
    }

    /// - Throws: `malformed`, `truncated`; `chain` at the first entry whose hash is not that of what it says.
    public init(_ bytes: [UInt8]) throws(StateError) {
        var reader = ByteReader(bytes, file: "audit trail")
        guard try reader.bytes(Self.magic.count) == Self.magic else {
            throw StateError(.malformed, "the audit trail is none of DTM")
        }
        base = try reader.bytes(Digest.byteCount)
        let first = try reader.integer(UInt64.self)
        let count = try reader.integer(UInt32.self)
        guard first >= 1, first <= UInt64(Int64.max) else {
            throw StateError(.malformed, "the audit trail begins with number \(first)")
        }
        next = first
        var previous = base
        for _ in 0..<count {
            let time = Timestamp(nanoseconds: Int64(bitPattern: try reader.integer(UInt64.self)))
            let hash = try reader.bytes(Digest.byteCount)
            let text = String(decoding: try reader.field(atMost: Self.maximumText * 4), as: UTF8.self)
            guard hash == Self.hash(after: previous, next, time, text) else {
                throw StateError(
                    .chain, "entry \(next) of the audit trail is not what was written",
                    hint: "somebody who had the keys changed it: compare with a backup")
            }
            entries.append(Entry(number: next, time: time, text: text, hash: hash))
            self.bytes += text.utf8.count
            previous = hash
            next += 1
        }
        try reader.end()
    }
}
