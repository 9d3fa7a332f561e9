/// One packet as it lies in memory (RFC 4880, section 4). Valid as long as what it was read from.
struct OpenPGPPacket {
    /// The kinds that are told apart here (RFC 4880, 4.3).
    enum Tag {
        static let publicKeySessionKey: UInt8 = 1
        static let signature: UInt8 = 2
        static let passwordSessionKey: UInt8 = 3
        static let onePassSignature: UInt8 = 4
        static let secretKey: UInt8 = 5
        static let publicKey: UInt8 = 6
        static let secretSubkey: UInt8 = 7
        static let compressed: UInt8 = 8
        static let encrypted: UInt8 = 9
        static let marker: UInt8 = 10
        static let literal: UInt8 = 11
        static let trust: UInt8 = 12
        static let userID: UInt8 = 13
        static let publicSubkey: UInt8 = 14
        static let userAttribute: UInt8 = 17
        static let encryptedWithIntegrity: UInt8 = 18
        static let authenticatedEncryption: UInt8 = 20
    }

    let tag: UInt8
    /// The body; of a body in parts only the first.
    let body: UnsafeRawBufferPointer
    /// Whether the body came in parts of lengths that were not known ahead.
    let isInParts: Bool
}

/// Reads the frames of packets one by one: their tags and lengths, not what is in them.
struct OpenPGPPacketReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Nil at the end.
    ///
    /// - Throws: `truncated` when a packet's end is missing, `malformed` where no packet begins.
    mutating func next() throws(OpenPGPError) -> OpenPGPPacket? {
        guard position < bytes.count else { return nil }
        let first = try byte()
        guard first & 0x80 != 0 else { throw .malformed("no packet begins at byte \(position - 1)") }
        return first & 0x40 != 0 ? try modern(tag: first & 0x3f) : try old(first)
    }

    private mutating func old(_ first: UInt8) throws(OpenPGPError) -> OpenPGPPacket {
        let sizes = [1, 2, 4]
        guard first & 3 < 3 else { throw .malformed("a packet without a length at byte \(position - 1)") }
        let length = try number(of: sizes[Int(first & 3)])
        return OpenPGPPacket(tag: first >> 2 & 0x0f, body: try body(length), isInParts: false)
    }

    private mutating func modern(tag: UInt8) throws(OpenPGPError) -> OpenPGPPacket {
        let (length, isPart) = try modernLength()
        let start = try body(length)
        var isLast = !isPart
        while !isLast {
            let (length, isPart) = try modernLength()
            _ = try body(length)
            isLast = !isPart
        }
        return OpenPGPPacket(tag: tag, body: start, isInParts: isPart)
    }

    private mutating func modernLength() throws(OpenPGPError) -> (Int, isPart: Bool) {
        let first = Int(try byte())
        switch first {
        case ..<192: return (first, false)
        case ..<224: return ((first - 192) << 8 + Int(try byte()) + 192, false)
        case 255: return (try number(of: 4), false)
        default: return (1 << (first & 0x1f), true)
        }
    }

    private mutating func byte() throws(OpenPGPError) -> UInt8 {
        guard position < bytes.count else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func number(of size: Int) throws(OpenPGPError) -> Int {
        var number = 0
        for _ in 0..<size { number = number << 8 | Int(try byte()) }
        return number
    }

    private mutating func body(_ length: Int) throws(OpenPGPError) -> UnsafeRawBufferPointer {
        guard length <= bytes.count - position else { throw .truncated }
        defer { position += length }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + length)])
    }
}

/// What a message shows without any key: that it is encrypted, whole, and for whom.
struct OpenPGPMessageOutline {
    private(set) var recipients: [OpenPGPKeyID] = []
    private(set) var passwords = 0

    /// Accepts session keys and one encrypted packet of version 1 with integrity protection, and nothing after it.
    init(of message: [UInt8]) throws(OpenPGPError) {
        guard message.count <= OpenPGPBounds.message else {
            throw .tooLarge("the OpenPGP message", message.count, OpenPGPBounds.message)
        }
        guard let first = message.first else { throw .truncated }
        if first & 0x80 == 0, message.starts(with: "-----BEGIN PGP".utf8) { throw .armored }
        do {
            try message.withUnsafeBytes { try read($0) }
        } catch let error as OpenPGPError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
    }

    private mutating func read(_ message: UnsafeRawBufferPointer) throws {
        var reader = OpenPGPPacketReader(message)
        while let packet = try reader.next() {
            if packet.tag == OpenPGPPacket.Tag.encryptedWithIntegrity {
                try check(packet)
                guard try reader.next() == nil else { throw OpenPGPError.malformed("something follows the message") }
                return
            }
            try add(packet)
        }
        throw OpenPGPError.truncated
    }

    private func check(_ data: OpenPGPPacket) throws(OpenPGPError) {
        guard !recipients.isEmpty || passwords > 0 else { throw .malformed("it has no session key") }
        guard let version = data.body.first else { throw .truncated }
        guard version == 1 else { throw .noIntegrityProtection }
    }

    private mutating func add(_ packet: OpenPGPPacket) throws(OpenPGPError) {
        switch packet.tag {
        case OpenPGPPacket.Tag.publicKeySessionKey:
            guard packet.body.count > 9, !packet.isInParts else { throw .malformed("a session key is too short") }
            recipients.append(OpenPGPKeyID(bytes: Array(packet.body[1..<9])))
        case OpenPGPPacket.Tag.passwordSessionKey: passwords += 1
        case OpenPGPPacket.Tag.marker: break
        case OpenPGPPacket.Tag.encrypted, OpenPGPPacket.Tag.authenticatedEncryption: throw .noIntegrityProtection
        case OpenPGPPacket.Tag.signature, OpenPGPPacket.Tag.onePassSignature, OpenPGPPacket.Tag.compressed,
            OpenPGPPacket.Tag.literal:
            throw .notEncrypted
        default: throw .malformed("a packet of type \(packet.tag) is in it")
        }
        guard recipients.count <= OpenPGPBounds.recipients, passwords <= OpenPGPBounds.passwords else {
            throw .malformed(
                "it has more than \(OpenPGPBounds.recipients) recipients or \(OpenPGPBounds.passwords) passwords")
        }
    }
}

/// What a transferable key shows by its packets alone (RFC 4880, 11.1 and 11.2).
struct OpenPGPKeyOutline {
    /// Whether it holds secret numbers.
    private(set) var isSecret = false
    /// When the newest of its keys was made, in seconds since 1970.
    private(set) var newestCreation: UInt32 = 0
    private var primaries = 0

    /// - Throws: `keyUnusable` when there is not exactly one primary key, `malformed` and `truncated` for what is no key.
    init(of key: UnsafeRawBufferPointer) throws(OpenPGPError) {
        var reader = OpenPGPPacketReader(key)
        while let packet = try reader.next() { try add(packet) }
        if primaries == 0 { throw .noKey }
    }

    private mutating func add(_ packet: OpenPGPPacket) throws(OpenPGPError) {
        switch packet.tag {
        case OpenPGPPacket.Tag.secretKey, OpenPGPPacket.Tag.publicKey:
            primaries += 1
            if primaries > 1 { throw .severalKeys }
            try note(packet)
        case OpenPGPPacket.Tag.secretSubkey, OpenPGPPacket.Tag.publicSubkey:
            if primaries == 0 { throw .noKey }
            try note(packet)
        case OpenPGPPacket.Tag.signature, OpenPGPPacket.Tag.userID, OpenPGPPacket.Tag.userAttribute,
            OpenPGPPacket.Tag.trust:
            if primaries == 0 { throw .noKey }
        case OpenPGPPacket.Tag.marker: break
        default: throw .noKey
        }
    }

    private mutating func note(_ key: OpenPGPPacket) throws(OpenPGPError) {
        guard key.body.count > 5, !key.isInParts else { throw .malformed("a key is too short") }
        newestCreation = max(newestCreation, key.body[1..<5].reduce(0) { $0 << 8 | UInt32($1) })
        if key.tag == OpenPGPPacket.Tag.secretKey || key.tag == OpenPGPPacket.Tag.secretSubkey { isSecret = true }
    }
}
