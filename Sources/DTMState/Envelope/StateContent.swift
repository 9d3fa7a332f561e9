public import DTMSecrets

/// All that is kept: named sections, each either ordinary bytes or a secret.
///
/// What is in a section is its owner's business; the state keeps it. Secrets are never ordinary bytes on the way: the
/// whole is put together in protected memory.
public struct StateContent: Sendable {
    /// What a section holds.
    public enum Section: Sendable {
        case bytes([UInt8])
        case secret(SharedSecret)

        var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .secret(let secret): secret.bytes.count
            }
        }
    }

    public private(set) var sections: [String: Section] = [:]

    /// The most sections.
    public static let maximumSections = 16_384
    /// The longest name, in bytes.
    public static let maximumName = 128
    /// The most bytes of all of it.
    public static let maximumBytes = 3 << 20

    /// The section that holds the operator's backup key, a transferable public key.
    public static let backupKeySection = "backup.key"

    public init() {}

    /// A section's bytes; nil when there is none, or it is a secret.
    public func bytes(_ name: String) -> [UInt8]? {
        if case .bytes(let bytes) = sections[name] { bytes } else { nil }
    }

    /// A section's secret; nil when there is none, or it is none.
    public func secret(_ name: String) -> SharedSecret? {
        if case .secret(let secret) = sections[name] { secret } else { nil }
    }

    /// Names are 1 to 128 bytes of printable ASCII.
    public mutating func set(_ name: String, _ section: Section?) {
        precondition(Self.isName(name), "a section's name is 1 to 128 bytes of printable ASCII")
        sections[name] = section
    }

    private static func isName(_ name: String) -> Bool {
        (1...maximumName).contains(name.utf8.count) && name.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    // MARK: Writing

    /// How many bytes it has when it is kept; at most ``maximumBytes`` can be.
    public var encodedCount: Int {
        Self.magic.count + 6 + sections.reduce(0) { $0 + 6 + $1.key.utf8.count + $1.value.count }
    }

    private static let magic = Array("DTMSTATE".utf8)
    static let schema: UInt16 = 1

    /// `DTMSTATE` ‖ schema (2) ‖ number of sections (4) ‖ for each, by name: its name's length (1) ‖ name ‖ kind (1: 0
    /// bytes, 1 secret) ‖ length (4) ‖ content. Numbers are big-endian.
    ///
    /// - Throws: `tooLarge` and `memory`.
    func encoded() throws(StateError) -> SecretBytes {
        let ordered = sections.sorted { $0.key < $1.key }
        let size = encodedCount
        guard size <= Self.maximumBytes, ordered.count <= Self.maximumSections else {
            throw StateError(
                .tooLarge,
                "the state has \(size) bytes in \(ordered.count) sections; at most \(Self.maximumBytes) bytes in "
                    + "\(Self.maximumSections) are kept")
        }
        do {
            return try SecretBytes(count: size) { buffer in
                var cursor = SecretCursor(buffer)
                cursor.put(Self.magic + ByteWriter.bigEndian(Self.schema) + ByteWriter.bigEndian(UInt32(ordered.count)))
                for (name, section) in ordered {
                    cursor.put([UInt8(name.utf8.count)] + Array(name.utf8))
                    switch section {
                    case .bytes(let bytes):
                        cursor.put([0] + ByteWriter.bigEndian(UInt32(bytes.count)))
                        cursor.put(bytes)
                    case .secret(let secret):
                        cursor.put([1] + ByteWriter.bigEndian(UInt32(secret.bytes.count)))
                        cursor.put(secret.bytes)
                    }
                }
            }
        } catch {
            throw StateError(.memory, "no protected memory for \(size) bytes of state", cause: error)
        }
    }

    // MARK: Reading

    init(decoding secret: borrowing SecretBytes, file: String) throws(StateError) {
        do {
            self = try secret.withBytes { span in
                try span.withUnsafeBytes { bytes in try Self(reading: bytes, file) }
            }
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError(.memory, "no protected memory for what \(file) holds", cause: error)
        }
    }

    private init(reading bytes: UnsafeRawBufferPointer, _ file: String) throws {
        var reader = SecretReader(bytes, file)
        guard try reader.bytes(Self.magic.count) == Self.magic else {
            throw StateError.damaged(.malformed, file, "what it holds is not a state of DTM")
        }
        let schema = try reader.integer(UInt16.self)
        guard schema == Self.schema else {
            throw StateError(
                .malformed,
                "\(file): it is written in version \(schema) of the format, and this program reads \(Self.schema)",
                hint: "use the version of DTM that wrote it, or a newer one")
        }
        let count = try reader.length(UInt32.self)
        guard count <= Self.maximumSections else {
            throw StateError.damaged(.malformed, file, "it says that it has \(count) sections")
        }
        for _ in 0..<count { try readSection(&reader, file) }
        guard reader.isAtEnd else { throw StateError.damaged(.malformed, file, "bytes follow its last section") }
    }

    private mutating func readSection(_ reader: inout SecretReader, _ file: String) throws {
        let name = String(decoding: try reader.bytes(try reader.length(UInt8.self)), as: UTF8.self)
        guard Self.isName(name), sections[name] == nil else {
            throw StateError.damaged(.malformed, file, "a section has a name that is not allowed, or comes twice")
        }
        let kind = try reader.integer(UInt8.self)
        let length = try reader.length(UInt32.self)
        switch kind {
        case 0: sections[name] = .bytes(try reader.bytes(length))
        case 1: sections[name] = .secret(SharedSecret(try reader.secret(length)))
        default: throw StateError.damaged(.malformed, file, "section \(name) is of an unknown kind")
        }
    }
}

/// Writes into memory that a secret lends.
struct SecretCursor {
    private let buffer: UnsafeMutableRawBufferPointer
    private var position = 0

    init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    mutating func put(_ bytes: [UInt8]) {
        UnsafeMutableRawBufferPointer(rebasing: buffer[position..<position + bytes.count]).copyBytes(from: bytes)
        position += bytes.count
    }

    mutating func put(_ secret: borrowing SecretBytes) {
        let place = UnsafeMutableRawBufferPointer(rebasing: buffer[position..<position + secret.count])
        secret.withBytes { span in span.withUnsafeBytes { place.copyMemory(from: $0) } }
        position += secret.count
    }
}

/// Reads from memory that a secret lends; nothing is taken on trust.
struct SecretReader {
    private let source: UnsafeRawBufferPointer
    private let file: String
    private var position = 0

    init(_ source: UnsafeRawBufferPointer, _ file: String) {
        self.source = source
        self.file = file
    }

    var isAtEnd: Bool { position == source.count }

    private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count >= 0, count <= source.count - position else {
            throw StateError.damaged(.truncated, file, "what it holds ends in the middle")
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: source[position..<position + count])
    }

    mutating func bytes(_ count: Int) throws -> [UInt8] { Array(try take(count)) }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        try take(Value.bitWidth / 8).reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }

    /// A length: at most four bytes, so that it fits into what it is compared with.
    mutating func length(_ type: (some FixedWidthInteger & UnsignedInteger).Type) throws -> Int {
        Int(clamping: try integer(type))
    }

    mutating func secret(_ count: Int) throws -> SecretBytes {
        let place = try take(count)
        guard count > 0 else { throw StateError.damaged(.malformed, file, "a secret in it is empty") }
        return try SecretBytes(count: count) { $0.copyMemory(from: place) }
    }
}
