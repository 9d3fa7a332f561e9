/// Where the secret numbers stand in an OpenPGP key of the kinds that DTM makes.
public enum OpenPGPSecretNumbers {
    /// In a transferable secret key without a password: of the EdDSA seed and of the ECDH scalar. Empty for anything else.
    public static func ranges(in key: UnsafeRawBufferPointer) -> [Range<Int>] {
        packets(in: key).filter { $0.tag == 5 || $0.tag == 7 }.compactMap { number(in: key, $0.body) }
    }

    /// Where the ends of the public halves stand in a transferable public key, 32 bytes each. In memory that holds the secret key
    /// as packets its numbers follow on these.
    public static func publicEnds(in key: UnsafeRawBufferPointer) -> [Range<Int>] {
        packets(in: key).filter { ($0.tag == 6 || $0.tag == 14) && $0.body.count > 32 }.map { $0.body.suffix(32) }
    }

    private static func packets(in key: UnsafeRawBufferPointer) -> [(tag: UInt8, body: Range<Int>)] {
        var found: [(tag: UInt8, body: Range<Int>)] = []
        while let next = packet(in: key, at: found.last?.body.upperBound ?? 0) { found.append(next) }
        return found
    }

    /// RFC 4880, 4.2: of both formats, without partial and indeterminate lengths.
    private static func packet(in bytes: UnsafeRawBufferPointer, at place: Int) -> (tag: UInt8, body: Range<Int>)? {
        guard place + 6 <= bytes.count, bytes[place] & 0x80 != 0 else { return nil }
        let isNew = bytes[place] & 0x40 != 0
        let first = Int(bytes[place + 1])
        let tag = isNew ? bytes[place] & 0x3f : bytes[place] >> 2 & 15
        let (start, count): (Int, Int)
        switch (isNew, isNew ? first : Int(bytes[place] & 3)) {
        case (true, ..<192), (false, 0): (start, count) = (2, first)
        case (true, 192..<224): (start, count) = (3, (first - 192) << 8 + Int(bytes[place + 2]) + 192)
        case (false, 1): (start, count) = (3, first << 8 + Int(bytes[place + 2]))
        case (true, 255): (start, count) = (6, bytes[(place + 2)..<(place + 6)].reduce(0) { $0 << 8 + Int($1) })
        case (false, 2): (start, count) = (5, bytes[(place + 1)..<(place + 5)].reduce(0) { $0 << 8 + Int($1) })
        default: return nil
        }
        guard place + start + count <= bytes.count else { return nil }
        return (tag, (place + start)..<(place + start + count))
    }

    /// RFC 4880, 5.5.3, and RFC 6637, 9: version, time, algorithm, curve, point, for ECDH a key derivation, 0, number, checksum.
    private static func number(in key: UnsafeRawBufferPointer, _ body: Range<Int>) -> Range<Int>? {
        var place = body.lowerBound + 6
        func octet(_ index: Int) -> Int { index < body.upperBound ? Int(key[index]) : 0 }
        func bytes(_ index: Int) -> Int { (octet(index) << 8 + octet(index + 1) + 7) / 8 }
        place += 1 + octet(place)
        place += 2 + bytes(place)
        if octet(body.lowerBound + 5) == 18 { place += 1 + octet(place) }
        guard place + 3 < body.upperBound, key[place] == 0 else { return nil }
        let number = (place + 3)..<(place + 3 + bytes(place + 1))
        return number.upperBound <= body.upperBound ? number : nil
    }
}
