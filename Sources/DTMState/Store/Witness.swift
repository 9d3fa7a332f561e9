import DTMCore
import DTMSecrets

/// What this host has seen of its state last, kept outside of the state's folder: a folder that is put back to an
/// earlier day does not agree with it. Whoever puts back the whole home is not noticed by this.
struct Witness: Sendable {
    let folder: StateFolder
    let keys: StateKeys
    let instance: InstanceID
    static let name = "witness.pgp"

    private static let magic = Array("DTMWITN1".utf8)

    func write(_ generation: UInt64, head: [UInt8]) throws(StateError) {
        try folder.write(Self.name, encoded(generation, head: head))
    }

    func encoded(_ generation: UInt64, head: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(instance.bytes)
        writer.append(generation)
        writer.append(head)
        let body = writer.bytes
        let seal = SecretCipher.authenticator(of: body, under: keys.witness.bytes)
        return LiteralPacket.encode(body + seal)
    }

    /// Which instance a witness says that it saw. Nothing vouches for it: it is for telling people.
    static func instanceSeen(in folder: StateFolder) -> InstanceID? {
        guard let bytes = try? folder.read(name, atMost: 4_096),
            let content = try? LiteralPacket.decode(bytes, file: name), content.starts(with: magic)
        else { return nil }
        return InstanceID(Array(content.dropFirst(magic.count).prefix(InstanceID.byteCount)))
    }

    /// - Returns: Whether there is one.
    /// - Throws: `rolledBack` when it has seen more than the newest commit.
    func check(_ newest: GenerationReader.Found) throws(StateError) -> Bool {
        guard try folder.has(Self.name) else { return false }
        let content = try LiteralPacket.decode(try folder.read(Self.name, atMost: 4_096), file: Self.name)
        var reader = ByteReader(content, file: Self.name)
        guard try reader.bytes(Self.magic.count) == Self.magic,
            let instance = InstanceID(try reader.bytes(InstanceID.byteCount))
        else { throw .damaged(.malformed, Self.name, "it is no witness of a state") }
        let generation = try reader.integer(UInt64.self)
        let head = try reader.bytes(Digest.byteCount)
        let seal = try reader.bytes(Digest.byteCount)
        try reader.end()
        guard instance == self.instance else {
            throw StateError(
                .foreign, "\(Self.name) saw another instance (\(instance)) than this one (\(self.instance))",
                hint:
                    "put back the state that belongs here, or, if this one is to be used, remove \(folder.path)/\(Self.name)"
            )
        }
        let expected = SecretCipher.authenticator(
            of: Array(content.dropLast(Digest.byteCount)), under: keys.witness.bytes)
        guard SecretCipher.areEqual(seal, expected) else {
            throw .damaged(.modified, Self.name, "it was not written by this instance, or was changed since")
        }
        let commit = newest.commit
        guard generation < commit.generation || (generation == commit.generation && head == newest.digest) else {
            throw StateError(
                .rolledBack,
                generation > commit.generation
                    ? "the state is generation \(commit.generation), and this host has seen generation \(generation)"
                    : "generation \(generation) of the state is another one than this host has seen",
                hint: "put back the newer one; if the older one is to be used, say so: dtm state recover --generation "
                    + "\(commit.generation)")
        }
        return true
    }
}
