/// What is measured of an application or a tunnel, each second.
public enum Metric: String, Hashable, Sendable, CaseIterable {
    // Of tunnels.
    /// Connections that began, a second.
    case opened
    /// Connections that are open.
    case active
    /// Connections that were accepted and whose target could not be reached, a second.
    case failed
    /// Connections that were turned away, failed handshakes among them, a second.
    case rejected
    /// Application bytes from clients to the target, a second.
    case bytesIn = "bytes-in"
    /// Application bytes from the target to clients, a second.
    case bytesOut = "bytes-out"
    /// How long the connections lasted that ended, in seconds.
    case duration
    /// How long it took from one connection to the next, in seconds.
    case interArrival = "inter-arrival"
    /// Different identities among the connections that began, a second.
    case identities
    /// Different addresses among them, a second.
    case peers
    /// Touches of decoys and of endpoints after their time, a second.
    case touches

    // Of applications.
    /// Of one core, in percent.
    case cpu
    /// Resident memory, in bytes.
    case memory
    /// Open descriptors.
    case descriptors
    case threads
    /// Connections of the application's processes, whoever made them.
    case connections

    /// What belongs together: what one cause moves at once counts once.
    public enum Family: String, Hashable, Sendable, CaseIterable {
        case load, failures, resources
    }

    public var family: Family {
        switch self {
        case .failed, .rejected, .touches: .failures
        case .cpu, .memory, .descriptors, .threads: .resources
        default: .load
        }
    }

    /// The unit in the API; empty for a number.
    public var unit: String {
        switch self {
        case .opened, .failed, .rejected, .identities, .peers, .touches: "1/s"
        case .bytesIn, .bytesOut: "B/s"
        case .duration, .interArrival: "s"
        case .cpu: "%"
        case .memory: "B"
        case .active, .descriptors, .threads, .connections: ""
        }
    }

    /// As a person says it.
    public var words: String {
        switch self {
        case .opened: "new connections"
        case .active: "open connections"
        case .failed: "failed connections"
        case .rejected: "connections turned away"
        case .bytesIn: "bytes in"
        case .bytesOut: "bytes out"
        case .duration: "duration of connections"
        case .interArrival: "time between connections"
        case .identities: "different identities"
        case .peers: "different addresses"
        case .touches: "touches of decoys"
        case .cpu: "processor"
        case .memory: "memory"
        case .descriptors: "descriptors"
        case .threads: "threads"
        case .connections: "connections"
        }
    }

    /// A difference below this is of no interest, however unlikely it is: a server that had no connection at all and gets one
    /// has not changed.
    var leastDifference: Double {
        switch self {
        case .opened, .identities, .peers: 2
        case .active, .connections: 8
        case .failed, .rejected, .touches: 0.5
        case .bytesIn, .bytesOut: 32_768
        case .duration, .interArrival: 5
        case .cpu: 20
        case .memory: 64 * 1_048_576
        case .descriptors: 32
        case .threads: 16
        }
    }

    /// Whether it is judged: what is only shown has no detector.
    var isJudged: Bool { self != .duration && self != .interArrival && self != .peers }
}
