/// What the kernel tells of a process (`linux/cn_proc.h`). A hint where to look, never a fact: whoever it names may be gone.
struct ProcessNotice: Hashable {
    enum Event: Hashable {
        case began(Int32)
        /// It executed a program, or changed its name, its user or its group.
        case changed(Int32)
        case ended(Int32)
        /// A thread began or ended.
        case thread
        /// The answer to the request with `token`: an error number, or 0.
        case answer(token: UInt32, error: UInt32)
        case other
    }

    var event: Event
    /// The processor that tells it, and its count of events, to see whether one is missing.
    var processor: UInt32
    var sequence: UInt32
}

/// Reads what a process connector sends: one `struct cn_msg` with one `struct proc_event` in each netlink message. All
/// fields are in the machine's byte order.
enum ProcessEventParser {
    /// Calls `body` with each event of a datagram.
    ///
    /// - Returns: Whether all of it made sense. What is of no known kind does; what is cut short, or of another connector, does not.
    static func forEach(_ bytes: RawSpan, _ body: (ProcessNotice) -> Void) -> Bool {
        var offset = 0
        while let message = SockDiagParser.Message(bytes, at: offset) {
            offset = message.next
            guard let notice = notice(bytes, message) else { return false }
            body(notice)
        }
        return offset >= bytes.byteCount
    }

    private static func notice(_ bytes: RawSpan, _ message: SockDiagParser.Message) -> ProcessNotice? {
        guard message.type == SockDiagProtocol.done, message.bodyBytes >= connectorBytes + eventHeaderBytes,
            bytes.word(message.body) == index, bytes.word(message.body + 4) == value
        else { return nil }
        let start = message.body + connectorBytes
        let length = Int(bytes.half(message.body + 16))
        guard length >= eventHeaderBytes, length <= message.end - start else { return nil }
        let data = start + eventHeaderBytes..<start + length
        guard let event = event(bytes, bytes.word(start), data, acknowledgement: bytes.word(message.body + 12)) else {
            return nil
        }
        return ProcessNotice(event: event, processor: bytes.word(start + 4), sequence: bytes.word(message.body + 8))
    }

    private static func event(
        _ bytes: RawSpan, _ kind: UInt32, _ data: Range<Int>, acknowledgement: UInt32
    ) -> ProcessNotice.Event? {
        switch kind {
        case none: word(bytes, data, 0).map { .answer(token: acknowledgement &- 1, error: $0) }
        // The parent's two numbers come first.
        case fork: task(bytes, data, at: 2).map { $0.isProcess ? .began($0.process) : .thread }
        case exit: task(bytes, data, at: 0).map { $0.isProcess ? .ended($0.process) : .thread }
        // Credentials are a thread's own; the C library changes those of all.
        case exec, user, group: task(bytes, data, at: 0).map { .changed($0.process) }
        case name: task(bytes, data, at: 0).map { $0.isProcess ? .changed($0.process) : .other }
        default: .other
        }
    }

    /// A thread's number and that of its process, which is that of its first thread.
    private static func task(_ bytes: RawSpan, _ data: Range<Int>, at index: Int) -> (process: Int32, isProcess: Bool)?
    {
        guard let thread = word(bytes, data, index), let process = word(bytes, data, index + 1),
            let number = Int32(exactly: process), number > 0
        else { return nil }
        return (number, thread == process)
    }

    private static func word(_ bytes: RawSpan, _ data: Range<Int>, _ index: Int) -> UInt32? {
        let offset = data.lowerBound + 4 * index
        return offset + 4 <= data.upperBound ? bytes.word(offset) : nil
    }

    /// `CN_IDX_PROC` and `CN_VAL_PROC`.
    static let index: UInt32 = 1
    static let value: UInt32 = 1
    /// `struct cn_msg`: index, value, sequence, acknowledgement, length (2 bytes), flags.
    static let connectorBytes = 20
    /// `struct proc_event` up to its union: what, processor, time (8 bytes).
    static let eventHeaderBytes = 16

    // `enum what`.
    static let none: UInt32 = 0
    static let fork: UInt32 = 1
    static let exec: UInt32 = 2
    static let user: UInt32 = 4
    static let group: UInt32 = 0x40
    static let name: UInt32 = 0x200
    static let exit: UInt32 = 0x8000_0000
}
