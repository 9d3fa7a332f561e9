public import DTMCore

/// Endpoints as the schedule would have them, and that nobody can compute: every port that is not skipped once, in random
/// order, each with a random address when addresses hop.
public struct EndpointDraw: Sendable {
    private var shuffle: PortShuffle
    private let mode: AddressMode

    init(_ schedule: EndpointSchedule, mode: AddressMode) {
        shuffle = PortShuffle(ports: schedule.ports)
        self.mode = mode
    }

    /// The next one; nil when every port has had its turn.
    public mutating func next(using generator: inout some RandomNumberGenerator) -> Endpoint? {
        guard let port = shuffle.next(generator.next()) else { return nil }
        let draw = UInt32(truncatingIfNeeded: generator.next() as UInt64)
        return Endpoint(address: EndpointSchedule.address(draw, in: mode), port: port)
    }
}

extension EndpointSchedule {
    /// Begins to draw.
    ///
    /// - Parameter mode: Nil: the schedule's own.
    public func draw(mode: AddressMode? = nil) -> EndpointDraw {
        EndpointDraw(self, mode: mode ?? parameters.addressMode)
    }

    /// Whether a draw can bring the endpoint.
    func holds(_ endpoint: Endpoint, mode: AddressMode) -> Bool {
        guard case .v4(let address) = endpoint.address, Self.holds(address, in: mode) else { return false }
        let parameters = parameters
        return (parameters.lowestPort...parameters.highestPort).contains(endpoint.port)
            && !parameters.skippedPorts.contains(endpoint.port)
    }
}
