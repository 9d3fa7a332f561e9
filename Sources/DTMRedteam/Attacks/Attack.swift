/// What `dtm redteam` tries.
public enum Attack: String, CaseIterable, Codable, Hashable, Sendable {
    case rangeSweep = "range-sweep"
    case fullSweep = "full-sweep"
    case procReader = "proc-reader"
    case squatter
    case replay
    case expiredCertificate = "expired-certificate"
    case slowScan = "slow-scan"
    case bypass
    case flood
    case follower

    /// What the attacker does, in a few words.
    public var title: String {
        switch self {
        case .rangeSweep: "Probes each port of the tunnel's range at 127.0.0.1"
        case .fullSweep: "Probes all 65,535 ports at 127.0.0.1, then random places of the range at all of 127.0.0.0/8"
        case .procReader: "Reads /proc/net/tcp and probes each listener of the range, in random order"
        case .squatter: "Tries to take every listener's place, and holds random ones ahead of rotations"
        case .replay: "Learns the live endpoint, and uses it after its time"
        case .expiredCertificate: "Shows a client's own certificate, with its key, after it expired"
        case .slowScan: "As proc-reader, at --rate probes a second"
        case .follower: "Finds the live endpoint by its established connections, and tries handshakes of every kind"
        case .flood: "Leaves handshakes half open at the live endpoint, as many as it may"
        case .bypass: "Connects to the application's own port, past the tunnel"
        }
    }

    /// Whether it may meet a tunnel that people use: it only connects, little, and holds nothing.
    public var sparesOthers: Bool {
        switch self {
        case .rangeSweep, .procReader, .replay, .slowScan: true
        case .fullSweep, .squatter, .expiredCertificate, .follower, .flood, .bypass: false
        }
    }
}
