import DTMSecrets

/// What the analyst learnt, in a file of its own beside the generations: it is large, changes all the time, and is no loss, so it
/// goes neither into each generation nor into a backup.
///
/// `DTMBASE1` ‖ instance (16) ‖ salt (16) ‖ length (4) ‖ the content in pieces of 64 KiB, each sealed under key 6 with the
/// associated bytes `dtm baselines v1` ‖ all before the pieces ‖ the piece's number (4): so no more protected memory is needed
/// than one piece takes, and no piece can be left out, or come from another file.
struct BaselineFile {
    static let name = "baselines.pgp"
    /// The most bytes of content.
    static let maximum = 8 << 20
    private static let magic = Array("DTMBASE1".utf8)
    private static let piece = 64 << 10
    private static let overhead = (maximum / piece + 1) * 64 + 256

    let instance: InstanceID
    let keys: StateKeys

    private func associated(_ head: [UInt8], _ number: Int) -> [UInt8] {
        Array("dtm baselines v1".utf8) + head + ByteWriter.bigEndian(UInt32(number))
    }

    func encoded(_ content: [UInt8]) throws(StateError) -> [UInt8] {
        guard content.count <= Self.maximum else {
            throw StateError(.tooLarge, "the baselines have \(content.count) bytes; at most \(Self.maximum) are kept")
        }
        let head =
            Self.magic + instance.bytes + InstanceID.random().bytes + ByteWriter.bigEndian(UInt32(content.count))
        var bytes = head
        for (number, start) in stride(from: 0, to: content.count, by: Self.piece).enumerated() {
            let part = content[start..<min(start + Self.piece, content.count)]
            do {
                let plain = try SecretBytes(count: part.count) { $0.copyBytes(from: part) }
                bytes += SecretCipher.seal(plain, under: keys.baselines.bytes, associated: associated(head, number))
            } catch {
                throw StateError(.memory, "no protected memory for what the analyst learnt", cause: error)
            }
        }
        return LiteralPacket.encode(bytes)
    }

    /// - Throws: `malformed`, `truncated`, `foreign`, `modified`, `memory`.
    func decode(_ file: [UInt8]) throws(StateError) -> [UInt8] {
        let bytes = try LiteralPacket.decode(file, file: Self.name)
        var reader = ByteReader(bytes, file: Self.name)
        guard try reader.bytes(Self.magic.count) == Self.magic else {
            throw .damaged(.malformed, Self.name, "it holds no baselines of DTM")
        }
        guard try reader.bytes(InstanceID.byteCount) == instance.bytes else {
            throw .damaged(.foreign, Self.name, "it belongs to another instance")
        }
        _ = try reader.bytes(InstanceID.byteCount)
        let count = Int(try reader.integer(UInt32.self))
        guard count <= Self.maximum else {
            throw .damaged(.malformed, Self.name, "it says that it has \(count) bytes")
        }
        let head = Array(bytes.prefix(reader.position))
        var content: [UInt8] = []
        while content.count < count {
            let length = min(Self.piece, count - content.count)
            let sealed = try reader.bytes(length + SecretCipher.overhead)
            content += try open(sealed, associated(head, content.count / Self.piece))
        }
        try reader.end()
        return content
    }

    private func open(_ sealed: [UInt8], _ associated: [UInt8]) throws(StateError) -> [UInt8] {
        let plain: SecretBytes?
        do {
            plain = try SecretCipher.open(sealed, under: keys.baselines.bytes, associated: associated)
        } catch {
            throw StateError(.memory, "no protected memory for what \(Self.name) holds", cause: error)
        }
        guard let plain else { throw .damaged(.modified, Self.name, "it was changed") }
        return plain.withBytes { span in span.withUnsafeBytes { Array($0) } }
    }

    static func read(in folder: StateFolder) throws(StateError) -> [UInt8]? {
        guard try folder.has(name) else { return nil }
        return try folder.read(name, atMost: maximum + overhead)
    }
}

extension SealedStore {
    private var baselineFile: BaselineFile { BaselineFile(instance: instance, keys: keys) }

    /// Writes what the analyst learnt in the place of what it learnt before. No generation is saved.
    ///
    /// - Throws: `tooLarge`, `full`, `readOnly`, `io`, `memory`, and `modified` when the folder was replaced.
    public func saveBaselines(_ content: [UInt8]) throws(StateError) {
        try reader.folder.requireInPlace()
        try reader.folder.write(BaselineFile.name, try baselineFile.encoded(content))
    }

    /// What the analyst had learnt; nil when nothing was kept.
    ///
    /// - Throws: What is wrong with the file.
    public func baselines() throws(StateError) -> [UInt8]? {
        guard let file = try BaselineFile.read(in: reader.folder) else { return nil }
        return try baselineFile.decode(file)
    }
}
