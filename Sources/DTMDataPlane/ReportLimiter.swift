import DTMCore

/// Keeps a flood of incidents from becoming a flood of messages: of one kind and one tunnel, at most ``mostPerSecond``
/// and user pass in a second, and what comes beyond that is told once, with how many it stands for. A value; time comes with the
/// incidents.
struct ReportLimiter {
    /// How many of one kind and tunnel pass in a second.
    static let mostPerSecond = 20

    private struct Key: Hashable {
        let tunnel: TunnelID?
        let kind: Incident.Kind
        /// One user's flood hides nobody else.
        var uid: UInt32?
    }

    /// How many users are told apart; further ones count as one.
    static let mostUsers = 1_024

    private struct Second {
        let end: Timestamp
        var passed = 0
        /// The last one that did not pass; it counts for all of them.
        var held: Incident?
    }

    private var seconds: [Key: Second] = [:]

    /// What is to be told now that this has happened.
    mutating func take(_ incident: Incident) -> [Incident] {
        var key = Key(tunnel: incident.tunnel, kind: incident.kind, uid: incident.owner?.uid)
        if seconds[key] == nil, seconds.count >= Self.mostUsers { key.uid = nil }
        var second = seconds[key] ?? Second(end: incident.at + .seconds(1))
        defer { seconds[key] = second }
        guard incident.at < second.end else {
            let held = second.held
            second = Second(end: incident.at + .seconds(1), passed: 1)
            return [held, incident].compactMap(\.self)
        }
        guard second.passed >= Self.mostPerSecond else {
            second.passed += 1
            return [incident]
        }
        var latest = incident
        latest.count = incident.count &+ (second.held?.count ?? 0)
        second.held = latest
        return []
    }

    /// What was held back long enough. Call about once a second.
    mutating func flush(now: Timestamp) -> [Incident] {
        var due: [Incident] = []
        for (key, second) in seconds where second.end <= now {
            if let held = second.held { due.append(held) }
            seconds[key] = nil
        }
        return due
    }
}
