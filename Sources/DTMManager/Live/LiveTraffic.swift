import DTMAPI
import DTMCore

/// What the connections of one process had carried at one look.
struct LiveTraffic: Hashable, Sendable {
    private struct Count: Hashable, Sendable {
        var bytesIn: UInt64
        var bytesOut: UInt64
    }
    /// By inode.
    private var counts: [UInt64: Count] = [:]
    /// Whether it is known what all of its TCP connections carried.
    private var isKnown: Bool

    init(_ process: ApplicationObservation) {
        isKnown = !process.gaps.contains(.sockets)
        for connection in process.connections where connection.transport == .tcp || connection.transport == .tcp6 {
            guard let bytesIn = connection.bytesIn, let bytesOut = connection.bytesOut else {
                isKnown = false
                continue
            }
            counts[connection.inode] = Count(bytesIn: bytesIn, bytesOut: bytesOut)
        }
    }

    /// What went over the connections that were there at both looks, in whole bytes a second.
    ///
    /// - Returns: Nil without an earlier look, and where bytes are not counted.
    func rate(since before: Self?, seconds: Double?) -> AppReport.Rate? {
        guard let before, let seconds, seconds > 0, isKnown, before.isKnown else { return nil }
        var bytesIn: UInt64 = 0
        var bytesOut: UInt64 = 0
        for (inode, now) in counts {
            // A count that fell is another socket's, whose number was used again.
            guard let then = before.counts[inode], now.bytesIn >= then.bytesIn, now.bytesOut >= then.bytesOut else {
                continue
            }
            bytesIn &+= now.bytesIn - then.bytesIn
            bytesOut &+= now.bytesOut - then.bytesOut
        }
        return AppReport.Rate(
            bytesInPerSecond: (Double(bytesIn) / seconds).rounded(),
            bytesOutPerSecond: (Double(bytesOut) / seconds).rounded())
    }
}
