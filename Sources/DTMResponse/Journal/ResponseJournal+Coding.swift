import DTMCore

/// The journal's bytes: version (1) ‖ next number (8) ‖ stopped (1) ‖ number of entries (2) ‖ entries by number ‖ number
/// of repetitions (2) ‖ repetitions. Numbers are big-endian, a text is its length (2) and its UTF-8.
extension ResponseJournal {
    static let version: UInt8 = 1
    /// The most bytes of a journal.
    public static let maximumBytes = 2 << 20
    /// The longest text in it, in bytes.
    public static let maximumText = 512

    /// The journal as bytes.
    public var encoded: [UInt8] {
        var writer = JournalWriter()
        writer.integer(Self.version)
        writer.integer(next)
        writer.integer(isStopped ? 1 : 0 as UInt8)
        let ordered = entries.values.sorted { $0.id < $1.id }.prefix(Self.maximumEntries)
        writer.integer(UInt16(ordered.count))
        for entry in ordered { writer.entry(entry) }
        let repeated = repetitions.sorted { "\($0.key.subject)\($0.key.rung)" < "\($1.key.subject)\($1.key.rung)" }
            .prefix(Self.maximumRepetitions)
        writer.integer(UInt16(repeated.count))
        for (key, value) in repeated {
            writer.subject(key.subject)
            writer.integer(UInt8(key.rung.rawValue))
            writer.integer(UInt16(clamping: value.count))
            writer.integer(value.last.nanoseconds)
        }
        return writer.bytes
    }

    /// Reads what ``encoded`` gave. Nothing is taken on trust.
    ///
    /// - Throws: `response.journal_truncated`, `_malformed`, `_version`, `_too_large`.
    public init(decoding bytes: [UInt8]) throws(ResponseError) {
        guard bytes.count <= Self.maximumBytes else {
            throw ResponseError(
                .journalTooLarge, "the journal has \(bytes.count) bytes; at most \(Self.maximumBytes) are read")
        }
        var reader = JournalReader(bytes)
        let version: UInt8 = try reader.integer()
        guard version == Self.version else {
            throw ResponseError(
                .journalVersion, "the journal has version \(version), and this program reads \(Self.version)",
                hint: "use the version of DTM that wrote it, or a newer one")
        }
        next = try reader.integer()
        isStopped = try reader.flag("stopped")
        try readEntries(&reader)
        try readRepetitions(&reader)
        guard reader.isAtEnd else { throw .malformed("bytes follow its last part") }
    }

    private mutating func readEntries(_ reader: inout JournalReader) throws(ResponseError) {
        let count: UInt16 = try reader.integer()
        guard count <= Self.maximumEntries else { throw .malformed("it says that it has \(count) entries") }
        for _ in 0..<count {
            let entry = try reader.entry()
            guard entry.id.number < next, entries[entry.id] == nil else {
                throw .malformed("an entry has a number that is taken, or not given yet")
            }
            entries[entry.id] = entry
        }
    }

    private mutating func readRepetitions(_ reader: inout JournalReader) throws(ResponseError) {
        let count: UInt16 = try reader.integer()
        guard count <= Self.maximumRepetitions else { throw .malformed("it says that it has \(count) repetitions") }
        for _ in 0..<count {
            let key = Repeated(subject: try reader.subject(), rung: try reader.rung())
            let times: UInt16 = try reader.integer()
            let last = Timestamp(nanoseconds: try reader.integer())
            guard repetitions[key] == nil, (1...1_000).contains(times) else {
                throw .malformed("a repetition comes twice, or is none")
            }
            repetitions[key] = Repetition(count: Int(times), last: last)
        }
    }
}

extension ResponseError {
    fileprivate static func malformed(_ what: String) -> Self {
        Self(.journalMalformed, "the journal of responses is damaged: \(what)")
    }
}

private struct JournalWriter {
    private(set) var bytes: [UInt8] = []

    mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func text(_ text: String) {
        let utf8 = Array(text.bounded(to: ResponseJournal.maximumText).utf8)
        integer(UInt16(utf8.count))
        bytes.append(contentsOf: utf8)
    }

    mutating func optional(_ text: String?) {
        integer(text == nil ? 0 : 1 as UInt8)
        if let text { self.text(text) }
    }

    mutating func subject(_ subject: ResponseSubject) {
        switch subject {
        case .identity(let identity):
            integer(0 as UInt8)
            text(identity)
        case .program(let uid, let executable):
            integer(1 as UInt8)
            integer(uid)
            optional(executable)
        case .application(let name):
            integer(2 as UInt8)
            text(name)
        case .tunnel(let name):
            integer(3 as UInt8)
            text(name)
        case .host: integer(4 as UInt8)
        }
    }

    mutating func entry(_ entry: Response) {
        integer(entry.id.number)
        integer(UInt8(entry.rung.rawValue))
        integer(entry.phase.rawValue)
        subject(entry.subject)
        optional(entry.tunnel)
        text(entry.reason)
        integer(entry.since.nanoseconds)
        integer(entry.expiry == nil ? 0 : 1 as UInt8)
        if let expiry = entry.expiry { integer(expiry.nanoseconds) }
    }
}

private struct JournalReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    private mutating func take(_ count: Int) throws(ResponseError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - position else {
            throw ResponseError(.journalTruncated, "the journal of responses ends in the middle")
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func integer<Value: FixedWidthInteger>() throws(ResponseError) -> Value {
        var value: Value = 0
        for byte in try take(Value.bitWidth / 8) {
            value = Value.bitWidth > 8 ? value << 8 | Value(truncatingIfNeeded: byte) : Value(truncatingIfNeeded: byte)
        }
        return value
    }

    mutating func flag(_ name: String) throws(ResponseError) -> Bool {
        let value: UInt8 = try integer()
        guard value <= 1 else { throw .malformed("\(name) is neither yes nor no") }
        return value == 1
    }

    mutating func text() throws(ResponseError) -> String {
        let count: UInt16 = try integer()
        guard count <= ResponseJournal.maximumText else { throw .malformed("a text has \(count) bytes") }
        guard let text = String(validating: try take(Int(count)), as: UTF8.self) else {
            throw .malformed("a text is no UTF-8")
        }
        return text
    }

    mutating func optional() throws(ResponseError) -> String? {
        try flag("whether there is a text") ? try text() : nil
    }

    mutating func rung() throws(ResponseError) -> ResponseRung {
        let value: UInt8 = try integer()
        guard let rung = ResponseRung(rawValue: Int(value)) else { throw .malformed("there is no rung \(value)") }
        return rung
    }

    mutating func subject() throws(ResponseError) -> ResponseSubject {
        let kind: UInt8 = try integer()
        switch kind {
        case 0: return .identity(try text())
        case 1:
            let uid: UInt32 = try integer()
            return .program(uid: uid, executable: try optional())
        case 2: return .application(try text())
        case 3: return .tunnel(try text())
        case 4: return .host
        default: throw .malformed("there is no subject of kind \(kind)")
        }
    }

    mutating func entry() throws(ResponseError) -> Response {
        let id = Response.ID(number: try integer())
        let rung = try rung()
        let value: UInt8 = try integer()
        guard let phase = Response.Phase(rawValue: value) else { throw .malformed("there is no phase \(value)") }
        let subject = try subject()
        let tunnel = try optional()
        let reason = try text()
        let since = Timestamp(nanoseconds: try integer())
        let expiry: Timestamp? = try flag("whether it ends") ? Timestamp(nanoseconds: try integer()) : nil
        guard subject.rungs(hasTunnel: tunnel != nil).contains(rung), rung >= .rotate else {
            throw .malformed("\(rung.name) can't be aimed at its subject")
        }
        guard (expiry != nil) == (phase == .proposed || rung.lasts), expiry.map({ $0 >= since }) ?? true else {
            throw .malformed("its end does not go with \(rung.name)")
        }
        return Response(
            id: id, rung: rung, subject: subject, tunnel: tunnel, reason: reason, since: since, expiry: expiry,
            phase: phase)
    }
}

extension String {
    /// The text, or as much of its beginning as fits into so many bytes of UTF-8.
    func bounded(to count: Int) -> String {
        guard utf8.count > count else { return self }
        var bounded = String.UnicodeScalarView()
        var size = 0
        for scalar in unicodeScalars {
            size += UTF8.width(scalar)
            guard size <= count else { break }
            bounded.append(scalar)
        }
        return String(bounded)
    }
}

extension ResponseSubject {
    /// Whether a journal can hold it whole: a name that were cut short would be somebody else's.
    var isKept: Bool {
        let text: String? =
            switch self {
            case .identity(let text), .application(let text), .tunnel(let text): text
            case .program(_, let executable): executable
            case .host: nil
            }
        return (text?.utf8.count ?? 0) <= ResponseJournal.maximumText
    }
}
