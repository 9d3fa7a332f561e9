public import DTMCore
public import DTMSecrets

/// Where a tunnel listens, turn by turn: a keyed permutation of its ports and, when addresses hop, a keyed loopback
/// address for each of them. `docs/rotation-protocol.md` defines it; a server and whoever holds the window key compute
/// the same list.
///
/// A value without secrets: the window key is lent for each call.
public struct EndpointSchedule: Hashable, Sendable {
    /// How many candidates a client computes at first.
    public static let defaultCandidateLimit = 32
    /// A server takes one of the first 64 candidates or none, so that a client knows where to stop.
    public static let maximumCandidates = 64
    /// The shortest epoch in milliseconds.
    public static let minimumIntervalMilliseconds: UInt32 = 200

    /// What the schedule was made from.
    public let parameters: ScheduleParameters
    /// The ports of the range that are not skipped, ascending; never empty.
    let ports: [UInt16]

    /// - Throws: ``TunnelError`` when the range is reversed or holds port 0, no port is left, the interval is too
    ///   short, or the skipped ports are not strictly ascending.
    public init(parameters: ScheduleParameters) throws(TunnelError) {
        self.ports = try Self.usablePorts(parameters)
        self.parameters = parameters
    }

    /// How many candidates there are: the ports of the range that are not skipped.
    public var portCount: Int { ports.count }

    /// The window whose key belongs to `epoch`.
    public func window(of epoch: UInt64) -> UInt64 {
        ScheduleWindow.index(of: epoch, intervalMilliseconds: parameters.intervalMilliseconds)
    }

    /// The epoch that holds `moment`.
    public func epoch(at moment: Timestamp) -> UInt64 {
        ScheduleTime.epoch(at: moment, intervalMilliseconds: parameters.intervalMilliseconds)
    }

    /// When `epoch` begins.
    public func start(of epoch: UInt64) -> Timestamp {
        ScheduleTime.start(ofEpoch: epoch, intervalMilliseconds: parameters.intervalMilliseconds)
    }

    /// The candidates of `turn` with the numbers `first ..< first + limit`, in the order in which they are tried; fewer
    /// at the end of the list.
    ///
    /// Costs one HMAC for each candidate up to the last one asked for, about half a microsecond each.
    /// - Parameter windowKey: The key of the window of the turn's epoch (``window(of:)``).
    public func candidates(
        turn: ScheduleTurn, windowKey: borrowing SecretBytes, first: Int = 0, limit: Int = defaultCandidateLimit
    ) -> [Endpoint] {
        guard first >= 0, first < ports.count, limit > 0 else { return [] }
        let end = first + min(limit, ports.count - first)
        var shuffle = PortShuffle(ports: ports)
        var endpoints: [Endpoint] = []
        endpoints.reserveCapacity(end - first)
        CandidateDraw.forEach(below: end, turn: turn, windowKey: windowKey) { index, draw in
            // The shuffle needs every draw before the first one that is asked for as well.
            guard let port = shuffle.next(draw.port), index >= first else { return }
            endpoints.append(Endpoint(address: Self.address(draw.address, in: parameters.addressMode), port: port))
        }
        return endpoints
    }

    /// Candidate number `index` of `turn`; nil when there are fewer.
    public func candidate(_ index: Int, turn: ScheduleTurn, windowKey: borrowing SecretBytes) -> Endpoint? {
        candidates(turn: turn, windowKey: windowKey, first: index, limit: 1).first
    }

    /// 127.0.0.1, or an address of 127.0.1.0–127.255.255.254: never 127.0.0.0/24, where other programs are, and never
    /// the broadcast address of 127.0.0.0/8, which can't be bound for TCP.
    static func address(_ draw: UInt32, in mode: AddressMode) -> IPAddress {
        switch mode {
        case .fixed: .v4(loopback + 1)
        case .hop: .v4(loopback + 256 + draw % hopCount)
        }
    }

    static func holds(_ address: UInt32, in mode: AddressMode) -> Bool {
        switch mode {
        case .fixed: address == loopback + 1
        case .hop: (loopback + 256..<loopback + 256 + hopCount).contains(address)
        }
    }

    /// Where endpoints are that do not hop.
    public static let firstLoopbackAddress = IPAddress.v4(loopback + 1)
    private static let loopback: UInt32 = 0x7f00_0000
    private static let hopCount: UInt32 = (1 << 24) - 256 - 1
}
