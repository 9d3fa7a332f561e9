import DTMCore

/// An address and port in 127.0.0.0/8: the only kind of place that this module ever opens a socket to.
struct LoopbackPlace: Hashable, Sendable, CustomStringConvertible {
    let address: UInt32
    let port: UInt16

    static let first: UInt32 = 0x7f00_0001

    /// Nil for anything but 127.0.0.0/8.
    init?(address: UInt32, port: UInt16) {
        guard address >> 24 == 127, port > 0 else { return nil }
        self.address = address
        self.port = port
    }

    init?(_ endpoint: Endpoint) {
        guard case .v4(let address) = endpoint.address else { return nil }
        self.init(address: address, port: endpoint.port)
    }

    /// As ``description`` writes it.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let port = UInt16(parts[1]), let ip = IPAddress(String(parts[0])) else { return nil }
        self.init(Endpoint(address: ip, port: port))
    }

    var host: String { IPAddress.v4(address).description }
    var description: String { "\(host):\(port)" }
}

/// What `/proc/net/tcp` (proc(5)) shows to every user.
struct SocketList {
    /// Listening sockets, in the order of the file.
    private(set) var listeners: [LoopbackPlace] = []
    /// Established connections: who is at the other end of which local place.
    private(set) var established: [LoopbackPlace: [LoopbackPlace]] = [:]

    /// - Parameter text: The file's. Lines that are not understood are passed over.
    init(_ text: String, ports: ClosedRange<UInt16>) {
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: true)
            guard fields.count >= 4, let place = Self.place(fields[1]), ports.contains(place.port) else { continue }
            switch fields[3] {
            case "0A": listeners.append(place)
            case "01": if let peer = Self.place(fields[2]) { established[place, default: []].append(peer) }
            default: break
            }
        }
    }

    /// The kernel prints the address as the host's own integer: on x86-64 and arm64 its bytes stand in reverse.
    private static func place(_ field: Substring) -> LoopbackPlace? {
        let parts = field.split(separator: ":")
        guard parts.count == 2, let raw = UInt32(parts[0], radix: 16), let port = UInt16(parts[1], radix: 16) else {
            return nil
        }
        return LoopbackPlace(address: UInt32(bigEndian: raw), port: port)
    }

    /// Listeners that somebody is connected through: a decoy has nobody but who tries it.
    ///
    /// - Parameter own: The follower's own ends, which he knows.
    func followed(without own: Set<LoopbackPlace>) -> [LoopbackPlace] {
        listeners.filter { established[$0, default: []].contains { !own.contains($0) } }
    }
}
