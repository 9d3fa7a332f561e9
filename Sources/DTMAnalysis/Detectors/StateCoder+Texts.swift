import DTMCore

/// What is not a number: texts, moments, and how many follow.
extension StateCoder {
    /// Begins or checks a format of its own.
    ///
    /// - Throws: `notAState`.
    mutating func codeMark(_ mark: UInt64) throws {
        var read = mark
        try code(&read)
        guard read == mark else {
            throw DetectorStateError(.notAState, "\(name) does not begin as one of this version")
        }
    }

    mutating func code(_ value: inout UInt32) throws {
        value = UInt32(truncatingIfNeeded: try raw(UInt64(value), width: 4))
    }

    mutating func code(_ value: inout UInt16) throws {
        value = UInt16(truncatingIfNeeded: try raw(UInt64(value), width: 2))
    }

    mutating func code(_ value: inout UInt8) throws {
        value = UInt8(truncatingIfNeeded: try raw(UInt64(value), width: 1))
    }

    mutating func code(_ time: inout Timestamp) throws {
        time = Timestamp(
            nanoseconds: Int64(bitPattern: try raw(UInt64(bitPattern: time.nanoseconds), width: 8)))
    }

    /// How many follow (4).
    mutating func code(count: inout Int, atMost limit: Int) throws {
        var number = UInt32(clamping: count)
        try code(&number)
        try check(number <= limit)
        count = Int(number)
    }

    /// Its length (2) and its UTF-8. Longer ones are refused when they are read: whoever writes looks before.
    mutating func code(_ text: inout String, atMost limit: Int) throws {
        var count = UInt16(clamping: text.utf8.count)
        try code(&count)
        try check(Int(count) <= limit)
        guard isReading else {
            for byte in text.utf8.prefix(Int(count)) { _ = try raw(UInt64(byte), width: 1) }
            return
        }
        var utf8: [UInt8] = []
        utf8.reserveCapacity(Int(count))
        for _ in 0..<count { utf8.append(UInt8(truncatingIfNeeded: try raw(0, width: 1))) }
        guard let read = String(validating: utf8, as: UTF8.self) else { return try check(false) }
        text = read
    }

    /// Whether it is there (1), and then itself.
    mutating func code<Value>(
        _ value: inout Value?, or empty: Value, _ body: (inout StateCoder, inout Value) throws -> Void
    ) throws {
        var isThere = value != nil
        try code(&isThere)
        guard isThere else {
            value = nil
            return
        }
        var present = value ?? empty
        try body(&self, &present)
        value = present
    }

    mutating func code(_ text: inout String?, atMost limit: Int) throws {
        try code(&text, or: "") { coder, text in try coder.code(&text, atMost: limit) }
    }

    /// - Throws: `value` for a kind that there is not.
    mutating func code(_ subject: inout ResponseSubject, atMost limit: Int) throws {
        var (kind, uid, text) = subject.parts
        try code(&kind)
        try check(kind <= 4)
        if kind == 1 { try code(&uid) }
        if kind == 1 { try code(&text, atMost: limit) }
        guard kind == 0 || kind == 2 || kind == 3 else {
            subject = kind == 1 ? .program(uid: uid, executable: text) : .host
            return
        }
        var name = text ?? ""
        try code(&name, atMost: limit)
        subject = kind == 0 ? .identity(name) : kind == 2 ? .application(name) : .tunnel(name)
    }
}

extension ResponseSubject {
    fileprivate var parts: (kind: UInt8, uid: UInt32, text: String?) {
        switch self {
        case .identity(let text): (0, 0, text)
        case .program(let uid, let executable): (1, uid, executable)
        case .application(let text): (2, 0, text)
        case .tunnel(let text): (3, 0, text)
        case .host: (4, 0, nil)
        }
    }

    /// How long its text is, in bytes of UTF-8.
    var textLength: Int { parts.text?.utf8.count ?? 0 }
}

extension String {
    /// Whether it has no control characters, which no text that DTM keeps has.
    var isPlain: Bool { unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f } }
}
