import DTMTestSupport

extension Array where Element == UInt8 {
    /// These bytes in pieces of random length.
    func cut(by generator: inout SeededGenerator) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = self[...]
        while !rest.isEmpty {
            let length = Swift.min(rest.count, Int.random(in: 1...40, using: &generator))
            pieces.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return pieces
    }
}
