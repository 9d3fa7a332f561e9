import DTMCore
import DTMPolicy

/// Whose a port is, as far as a change of hands matters: another process of the same program and user is no change.
struct PortHolder: Hashable, Sendable {
    var application: String
    /// Nil when it could not be read.
    var executable: String?
    var uid: UInt32

    /// Whether both can be the same application. What could not be read speaks neither for nor against.
    func isSame(as other: Self) -> Bool {
        guard uid == other.uid else { return false }
        if let executable, let others = other.executable { return executable == others }
        return application == other.application
    }
}

extension PortHolder: CustomStringConvertible {
    var description: String { "\(application) (\(executable.map { "\($0), " } ?? "")uid \(uid))" }
}

/// A TCP port at which somebody listens, as one look at the host found it.
struct PortSighting: Hashable, Sendable {
    var port: UInt16
    /// How to reach it from this host.
    var target: Target
    /// Everybody who listens there; more than one when they share it.
    var holders: Set<PortHolder>
    /// The policy's word. Nil when a tunnel that nobody made automatically leads there already.
    var decision: AutoTunnelDecision?
}

/// Which ports have a tunnel of their own accord, and what to do about it after each look at the host.
///
/// A port gets a tunnel when the policy says so, keeps it over restarts of its application, and loses it a grace period
/// after the application is gone. When it changes hands, it loses it at once and gets none until its first holder is
/// back or a person decides: a tunnel must never lead to somebody who took the port over.
///
/// A value that decides alone; bounded, since ports are.
struct AutoTunnelLedger: Sendable {
    /// What is to be done. Report the outcome of the first with ``made(_:at:)`` or ``failed(port:at:)``.
    enum Step: Hashable, Sendable {
        case protect(port: UInt16, target: Target, holder: PortHolder, reason: String)
        case remove(TunnelID, port: UInt16, reason: String)
        /// A port that had a tunnel, or has had one not long ago, is somebody else's now.
        case changedHands(port: UInt16, from: PortHolder, to: PortHolder)
        /// There are as many as there may be: this port gets none until others go. Told once for each holder.
        case limitReached(port: UInt16, holder: PortHolder)
    }

    /// How many tunnels there may be: whoever may listen must not be able to use up the manager.
    struct Limits: Hashable, Sendable {
        var tunnels = 64
        /// For one holder.
        var perHolder = 8
    }

    private struct Entry: Sendable {
        var holder: PortHolder
        var tunnel: TunnelID?
        var lastSeen: Timestamp
        /// Who took it over; there is no tunnel then.
        var intruder: PortHolder?
        /// Not before this time, after a failure.
        var retryAt: Timestamp?
        var failures = 0
        /// A step for it is under way.
        var isPending = false
        /// A person removed the tunnel: not again while this application is there.
        var isDismissed = false
    }

    /// How long a port's last holder is remembered after its tunnel has gone.
    static let memory: Duration = .seconds(600)
    private static let longestRetry: Duration = .seconds(60)
    private var entries: [UInt16: Entry] = [:]
    /// Who was told that he has reached a limit.
    private var limited: Set<PortHolder> = []

    /// The tunnels that it made.
    var tunnels: Set<TunnelID> { Set(entries.values.compactMap(\.tunnel)) }

    /// Compares a look at the host with what was known.
    ///
    /// - Parameters:
    ///   - sightings: All ports at which somebody listens.
    ///   - makesNew: False while auto-tunnel is off: what is there still goes when its application goes.
    ///   - standing: The tunnels that are there, by whomever they were made.
    mutating func look(
        _ sightings: [PortSighting], policy: AutoTunnelPolicy, limits: Limits = Limits(), makesNew: Bool,
        standing: Set<TunnelID>, at now: Timestamp
    ) -> [Step] {
        noteDismissals(standing)
        var steps = forget(except: Set(sightings.map(\.port)), policy, at: now)
        for sighting in sightings {
            steps += see(sighting, limits, makesNew: makesNew, at: now)
        }
        return steps
    }

    /// The tunnel to a port stands.
    mutating func made(_ tunnel: TunnelID, at port: UInt16) {
        entries[port]?.isPending = false
        entries[port]?.tunnel = tunnel
        entries[port]?.failures = 0
        entries[port]?.retryAt = nil
    }

    /// No tunnel came of it; it is tried again, later and later.
    mutating func failed(port: UInt16, at now: Timestamp) {
        guard var entry = entries[port] else { return }
        entry.isPending = false
        entry.failures += 1
        entry.retryAt = now + min(Self.longestRetry, .seconds(1) * (1 << min(entry.failures, 6)))
        entries[port] = entry
    }

    private mutating func noteDismissals(_ standing: Set<TunnelID>) {
        for (port, entry) in entries {
            guard let tunnel = entry.tunnel, !standing.contains(tunnel) else { continue }
            entries[port]?.tunnel = nil
            entries[port]?.isDismissed = true
        }
    }

    private mutating func see(
        _ sighting: PortSighting, _ limits: Limits, makesNew: Bool, at now: Timestamp
    ) -> [Step] {
        guard var entry = entries[sighting.port] else { return begin(sighting, limits, makesNew: makesNew, at: now) }
        defer { entries[sighting.port] = entry }
        if let stranger = sighting.holders.first(where: { !$0.isSame(as: entry.holder) }) {
            return giveUp(&entry, sighting.port, to: stranger)
        }
        entry.lastSeen = now
        entry.intruder = nil
        guard makesNew, entry.tunnel == nil, !entry.isPending, !entry.isDismissed,
            sighting.decision?.isProtected == true
        else { return [] }
        if let retryAt = entry.retryAt, now < retryAt { return [] }
        if let refusal = refusal(of: entry.holder, at: sighting.port, limits) { return refusal }
        entry.isPending = true
        return [protect(sighting, entry.holder)]
    }

    /// What to say in place of making a tunnel; nil when there is room for one.
    private mutating func refusal(of holder: PortHolder, at port: UInt16, _ limits: Limits) -> [Step]? {
        let busy = entries.values.filter { $0.tunnel != nil || $0.isPending }
        let own = busy.count { $0.holder.isSame(as: holder) }
        guard busy.count >= limits.tunnels || own >= limits.perHolder else {
            limited.remove(holder)
            return nil
        }
        // Bounded as the ports are.
        if limited.count > 1_024 { limited = [] }
        return limited.insert(holder).inserted ? [.limitReached(port: port, holder: holder)] : []
    }

    private mutating func begin(
        _ sighting: PortSighting, _ limits: Limits, makesNew: Bool, at now: Timestamp
    ) -> [Step] {
        // Several who share a port from the start: none of them is its owner more than another.
        guard makesNew, let decision = sighting.decision, decision.isProtected, let holder = sighting.holders.first,
            sighting.holders.allSatisfy({ $0.isSame(as: holder) })
        else { return [] }
        if let refusal = refusal(of: holder, at: sighting.port, limits) { return refusal }
        entries[sighting.port] = Entry(holder: holder, lastSeen: now, isPending: true)
        return [protect(sighting, holder)]
    }

    private func protect(_ sighting: PortSighting, _ holder: PortHolder) -> Step {
        .protect(
            port: sighting.port, target: sighting.target, holder: holder, reason: sighting.decision?.reason ?? "")
    }

    private func giveUp(_ entry: inout Entry, _ port: UInt16, to stranger: PortHolder) -> [Step] {
        var steps: [Step] = []
        if entry.intruder != stranger { steps.append(.changedHands(port: port, from: entry.holder, to: stranger)) }
        entry.intruder = stranger
        if let tunnel = entry.tunnel {
            entry.tunnel = nil
            steps.append(.remove(tunnel, port: port, reason: "its port \(port) is \(stranger)'s now"))
        }
        return steps
    }

    private mutating func forget(except seen: Set<UInt16>, _ policy: AutoTunnelPolicy, at now: Timestamp) -> [Step] {
        var steps: [Step] = []
        for (port, entry) in entries where !seen.contains(port) {
            let absence = now - entry.lastSeen
            if policy.isOver(goneFor: absence) {
                entries[port]?.isDismissed = false
                if let tunnel = entry.tunnel {
                    entries[port]?.tunnel = nil
                    steps.append(.remove(tunnel, port: port, reason: "\(entry.holder) is gone"))
                }
            }
            if absence >= policy.grace + Self.memory, !entry.isPending { entries[port] = nil }
        }
        return steps
    }
}
