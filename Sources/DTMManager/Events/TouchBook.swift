import DTMCore
import DTMTelemetry

/// What has been told of those who touch decoys: whoever does is told at once, and one that goes on touching them, whichever
/// tunnels' they are, in few events that say how often. A value; time comes in.
struct TouchBook: Sendable {
    /// Who is told apart: the user and the program, or the address of a peer whose user is not known.
    private struct Toucher: Hashable {
        var uid: Int64?
        var executable: String?
        var address: String?

        init(_ event: Event, peer: Endpoint?) {
            if case .integer(let uid)? = event.detail["uid"] { self.uid = uid }
            if case .string(let executable)? = event.detail["executable"] { self.executable = executable }
            // A program can choose its own address, so that says nothing of one whose user is known.
            if uid == nil { address = peer?.address.description }
        }

        /// As the limiter has it.
        var key: String { "\(uid.map(String.init) ?? "-") \(executable ?? "-") \(address ?? "-")" }
    }

    private var limiter = IncidentLimiter(burst: 2, interval: .seconds(10))
    /// The last event of each that is held back.
    private var latest: [String: Event] = [:]

    init() {}

    /// The event to record now; nil when it is held back.
    ///
    /// - Parameter count: How many touches it stands for already.
    mutating func admit(_ event: Event, peer: Endpoint?, count: UInt64, now: Timestamp) -> Event? {
        let key = Toucher(event, peer: peer).key
        var event = event
        if let count = limiter.admit(kind: event.kind, tunnel: key, count: count, now: now) {
            latest[key] = nil
            event.detail["count"] = .integer(Int64(clamping: count))
            return event
        }
        // The limiter forgets keys above its bound; so does this.
        if latest[key] != nil || latest.count < limiter.maximumKeys { latest[key] = event }
        return nil
    }

    /// What was held back long enough.
    mutating func flush(now: Timestamp) -> [Event] {
        limiter.flush(now: now).compactMap { backlog in
            guard let key = backlog.key.tunnel, var event = latest.removeValue(forKey: key) else { return nil }
            event.detail["count"] = .integer(Int64(clamping: backlog.count))
            return event
        }
    }
}
