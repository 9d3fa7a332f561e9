import DTMCore

extension EndpointSchedule {
    /// The ports of the range that are not skipped, ascending.
    static func usablePorts(_ parameters: ScheduleParameters) throws(TunnelError) -> [UInt16] {
        let (low, high) = (parameters.lowestPort, parameters.highestPort)
        guard low >= 1, low <= high else { throw .scheduleRange(low, high) }
        guard parameters.intervalMilliseconds >= minimumIntervalMilliseconds else {
            throw .scheduleInterval(parameters.intervalMilliseconds)
        }
        let skipped = parameters.skippedPorts
        if let (before, after) = zip(skipped, skipped.dropFirst()).first(where: { $0 >= $1 }) {
            throw .scheduleSkipped(before, after)
        }
        let unusable = Set(skipped)
        let ports = (low...high).filter { !unusable.contains($0) }
        guard !ports.isEmpty else { throw .scheduleNoPort(low, high) }
        return ports
    }
}

extension TunnelError {
    static func scheduleRange(_ low: UInt16, _ high: UInt16) -> Self {
        Self(
            code: .scheduleRange,
            message: "the port range \(low)-\(high) is not usable; allowed are 1 to 65535, the lower one first")
    }

    static func scheduleNoPort(_ low: UInt16, _ high: UInt16) -> Self {
        Self(
            code: .scheduleNoPort,
            message: "every port of the range \(low)-\(high) is that of a well-known service and skipped",
            hint: "widen the range")
    }

    static func scheduleInterval(_ milliseconds: UInt32) -> Self {
        Self(
            code: .scheduleInterval,
            message: "an interval of \(milliseconds) ms is too short; allowed are "
                + "\(EndpointSchedule.minimumIntervalMilliseconds) ms and more")
    }

    static func scheduleSkipped(_ before: UInt16, _ after: UInt16) -> Self {
        Self(
            code: .scheduleSkipped,
            message: "the skipped ports must ascend without repeats, and \(after) follows \(before)")
    }
}
