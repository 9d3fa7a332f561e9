/// A Fisher–Yates shuffle that is dealt card by card: step `i` swaps place `i` with one of the places `i ..< N`.
///
/// Only the places that a swap has touched are kept, so that the first few of 65,535 ports cost a few entries.
struct PortShuffle {
    private let ports: [UInt16]
    private var moved: [Int: UInt16] = [:]
    private var place = 0

    init(ports: [UInt16]) { self.ports = ports }

    /// The next port, chosen by `draw` modulo the ports that are left; nil when all are dealt.
    ///
    /// The remainder of 64 bits by n ≤ 2^16 is at most n / 2^66 ≤ 2^-50 away from uniform (statistical distance).
    mutating func next(_ draw: UInt64) -> UInt16? {
        guard place < ports.count else { return nil }
        let choice = place + Int(draw % UInt64(ports.count - place))
        let port = moved[choice] ?? ports[choice]
        // The port that lay here moves to where the chosen one was; this place is never looked at again.
        moved[choice] = moved.removeValue(forKey: place) ?? ports[place]
        place += 1
        return port
    }
}
