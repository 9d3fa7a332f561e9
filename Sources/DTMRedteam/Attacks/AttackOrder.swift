import DTMCore

/// What the attacking process is told: one line of JSON on its standard input.
struct AttackOrder: Codable, Hashable, Sendable {
    var attack: Attack
    /// The tunnel's range.
    var lowestPort: UInt16
    var highestPort: UInt16
    /// Where the attacker was told to go, as `127.3.4.5:5123`: an endpoint for a replay, the application for a bypass.
    var place: String?
    /// The application's Unix socket, when that is where it listens.
    var path: String?
    /// How many probes, attempts, connections or places, whichever the attack counts.
    var count: Int
    /// Probes a second; 0: as fast as it goes.
    var rate: Double
    var seed: UInt64
    /// When to end by itself.
    var limitSeconds: Double
    /// As whom, when this process may choose.
    var uid: UInt32?
}

/// What the attacking process says, a line of JSON each.
enum AttackerLine: Codable, Hashable, Sendable {
    /// It wants this signed (PKCS#10, DER, base64), and goes on when it is told the chain.
    case request(String)
    /// It did what it was to do, and holds what it has open until it is told to end.
    case done(AttackerReport)
}

/// What came of an attack, as its process saw it.
struct AttackerReport: Codable, Hashable, Sendable {
    /// When each probe was made, wall time in milliseconds; the first ``maximumTimes`` of them.
    var probesAt: [Int64] = []
    var probes = 0
    /// Where something took the connection, as `127.3.4.5:5123`, in that order.
    var answered: [String] = []
    /// When, in milliseconds of wall time.
    var answeredAt: [Int64] = []
    /// Attempts that got through the whole handshake and were let in.
    var accepted = 0
    /// Where something answered that can't be TLS: whose that is, the attacker does not know.
    var foreign: Set<String> = []
    /// Places that the attacker could take for itself.
    var taken = 0
    /// Why it could not do it, in words.
    var problem: String?

    static let maximumTimes = 100_000
    static let maximumPlaces = 20_000

    mutating func probe(at milliseconds: Int64) {
        probes += 1
        if probesAt.count < Self.maximumTimes { probesAt.append(milliseconds) }
    }

    mutating func answer(_ place: String, at milliseconds: Int64) {
        guard answered.count < Self.maximumPlaces else { return }
        answered.append(place)
        answeredAt.append(milliseconds)
    }

    /// How many probes had been made at that moment, the one that was under way included.
    func probes(until milliseconds: Int64) -> Int {
        var (low, high) = (0, probesAt.count)
        while low < high {
            let middle = (low + high) / 2
            if probesAt[middle] <= milliseconds { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
