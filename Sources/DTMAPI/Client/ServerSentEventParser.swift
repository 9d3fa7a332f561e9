/// One event of a stream of server-sent events.
struct ServerSentEvent: Hashable, Sendable {
    /// `message` unless the server named it.
    var type: String
    /// The id of this event, or else of the last one that had any; `Last-Event-ID` resumes after it.
    var id: String?
    var data: String
}

/// Takes a stream of server-sent events apart (HTML Standard, section 9.2.6), however the bytes are cut.
///
/// Lines end with LF, CR or CRLF; comments, unknown fields and `retry` are skipped. In one thing it is kinder than a
/// browser: an event that has a type and no data counts. Lines and events are bounded, so that a server can't fill the
/// client's memory.
struct ServerSentEventParser: Sendable {
    /// A line or an event was longer than allowed.
    struct TooLong: Error, Equatable {
        let limit: Int
    }

    let maximumLineBytes: Int
    let maximumEventBytes: Int

    private var line: [UInt8] = []
    private var sawCarriageReturn = false
    private var isFirstLine = true
    private var type: String?
    private var data: [UInt8] = []
    private var hasData = false
    private var lastID: String?

    init(maximumLineBytes: Int = 1 << 20, maximumEventBytes: Int = 2 << 20) {
        self.maximumLineBytes = maximumLineBytes
        self.maximumEventBytes = maximumEventBytes
    }

    /// The events that `bytes` completes.
    mutating func append(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            let endsLine = byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") && !sawCarriageReturn
            let isRestOfLineEnd = byte == UInt8(ascii: "\n") && sawCarriageReturn
            sawCarriageReturn = byte == UInt8(ascii: "\r")
            if endsLine {
                if let event = try endLine() { events.append(event) }
            } else if !isRestOfLineEnd {
                guard line.count < maximumLineBytes else { throw TooLong(limit: maximumLineBytes) }
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() throws(TooLong) -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        if isFirstLine {
            isFirstLine = false
            if line.starts(with: [0xef, 0xbb, 0xbf]) { line.removeFirst(3) }
        }
        guard let first = line.first else { return takeEvent() }
        if first != UInt8(ascii: ":") { try takeField() }
        return nil
    }

    private mutating func takeField() throws(TooLong) {
        let name = line.prefix { $0 != UInt8(ascii: ":") }
        var value = line.dropFirst(name.count + 1)
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: name, as: UTF8.self) {
        case "data": try takeData(value)
        case "event": type = String(decoding: value, as: UTF8.self)
        case "id": if !value.contains(0) { lastID = String(decoding: value, as: UTF8.self) }
        default: break
        }
    }

    private mutating func takeData(_ value: ArraySlice<UInt8>) throws(TooLong) {
        guard data.count + value.count < maximumEventBytes else { throw TooLong(limit: maximumEventBytes) }
        if hasData { data.append(UInt8(ascii: "\n")) }
        data.append(contentsOf: value)
        hasData = true
    }

    private mutating func takeEvent() -> ServerSentEvent? {
        defer {
            data.removeAll(keepingCapacity: true)
            hasData = false
            type = nil
        }
        let name = type.flatMap { $0.isEmpty ? nil : $0 }
        guard hasData || name != nil else { return nil }
        return ServerSentEvent(type: name ?? "message", id: lastID, data: String(decoding: data, as: UTF8.self))
    }
}
