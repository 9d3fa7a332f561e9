import CRNP

/// A transferable public key that was looked at: one primary key with a valid signature of its own, not revoked, not expired.
public struct OpenPGPPublicKey: Hashable, Sendable {
    /// The binary packets.
    public let bytes: [UInt8]
    /// The primary key's.
    public let fingerprint: OpenPGPFingerprint
    /// Who it says it belongs to, printable: what would steer a terminal is replaced. Nobody has checked it.
    public let userIDs: [String]

    /// Reads a key, binary or ASCII-armored.
    ///
    /// - Parameter requireEncryption: whether it must have a valid key to encrypt to.
    /// - Throws: ``OpenPGPError``: `keyUnusable` with the reason, `malformed`, `truncated`, `tooLarge`.
    public init(_ bytes: [UInt8], requireEncryption: Bool = false) throws {
        try self.init(bytes, requireEncryption: requireEncryption, clock: .system)
    }

    init(_ bytes: [UInt8], requireEncryption: Bool, clock: OpenPGPClock) throws {
        guard bytes.count <= OpenPGPBounds.publicKey else {
            throw OpenPGPError.tooLarge("the OpenPGP key", bytes.count, OpenPGPBounds.publicKey)
        }
        self = try ProtectedThread.run {
            let packets = try Self.packets(of: bytes)
            return try Self(packets: packets, requireEncryption: requireEncryption, clock: clock)
        }
    }

    /// Reads packets, on RNP's thread.
    init(packets: [UInt8], requireEncryption: Bool, clock: OpenPGPClock) throws {
        let outline = try packets.withUnsafeBytes { try OpenPGPKeyOutline(of: $0) }
        if outline.isSecret { throw OpenPGPError.secretMaterial }
        let facts = try RNPSession.run(time: clock.time(notBefore: outline)) { session in
            try session.load(publicKey: packets)
            return try session.withOnlyKey { try RNPKeyFacts(of: $0) }
        }
        try facts.requireUsable(forEncryption: requireEncryption)
        self.bytes = packets
        fingerprint = facts.fingerprint
        userIDs = facts.userIDs
    }

    /// The binary packets of what may be armored.
    private static func packets(of bytes: [UInt8]) throws -> [UInt8] {
        guard let first = bytes.first else { throw OpenPGPError.noKey }
        if first & 0x80 != 0 { return bytes }
        let blocks = String(decoding: bytes, as: UTF8.self).components(after: "-----BEGIN PGP ")
        guard let block = blocks.first else { throw OpenPGPError.noKey }
        if blocks.contains(where: { $0.hasPrefix("PRIVATE KEY") }) { throw OpenPGPError.secretMaterial }
        guard block.hasPrefix("PUBLIC KEY BLOCK-----") else { throw OpenPGPError.noKey }
        if blocks.count > 1 { throw OpenPGPError.severalKeys }
        return try RNPSession.dearmor(bytes)
    }
}

extension String {
    /// What follows each place where `mark` stands.
    fileprivate func components(after mark: String) -> [Substring] {
        var found: [Substring] = []
        var rest = utf8[...]
        let mark = Array(mark.utf8)
        while let start = rest.firstIndex(of: mark[0]) {
            rest = rest[start...]
            if rest.starts(with: mark) { found.append(Substring(rest.dropFirst(mark.count))) }
            rest = rest.dropFirst()
        }
        return found
    }
}
