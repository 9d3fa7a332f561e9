extension JSONParser {
    /// What a string that was scanned stands for.
    func text(of scanned: ScannedText) -> String {
        guard scanned.hasEscapes else { return cursor.text(scanned.range) }
        var units: [UInt16] = []
        var index = scanned.range.lowerBound
        while index < scanned.range.upperBound {
            let end = nextEscape(from: index, before: scanned.range.upperBound)
            units += cursor.text(index..<end).utf16
            index = end
            if index < scanned.range.upperBound { index = decodeEscape(at: index, into: &units) }
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// Says of a string that was scanned what may be known without reading it out.
    func hiddenText(of scanned: ScannedText) -> HiddenText {
        let bytes = scanned.range.lazy.map { cursor.byte(at: $0) ?? 0 }
        return HiddenText(
            range: scanned.range,
            isPlain: !scanned.hasEscapes && bytes.allSatisfy { (0x21...0x7e).contains($0) },
            isMask: !scanned.range.isEmpty && bytes.allSatisfy { $0 == UInt8(ascii: "*") })
    }

    private func nextEscape(from start: Int, before end: Int) -> Int {
        (start..<end).first { cursor.byte(at: $0) == UInt8(ascii: "\\") } ?? end
    }

    /// Appends what the escape at `index` stands for and returns the index after it.
    private func decodeEscape(at index: Int, into units: inout [UInt16]) -> Int {
        guard let kind = cursor.byte(at: index + 1) else { return index + 2 }
        if let scalar = Self.simpleEscape(kind) {
            units += Character(scalar).utf16
            return index + 2
        }
        let digits = (2..<6).compactMap { cursor.byte(at: index + $0).flatMap(Self.hexadecimalDigit) }
        units.append(digits.reduce(0) { $0 << 4 | UInt16($1) })
        return index + 6
    }
}
