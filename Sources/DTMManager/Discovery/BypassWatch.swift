import DTMCore

/// Notices direct connections to a protected application by anything but DTM: the tunnel stands in front of its port, and the
/// port is still open.
///
/// A value. It sees what is connected at the moment of a look; a connection that came and went between two is missed.
struct BypassWatch: Sendable {
    /// One program that goes past a tunnel.
    struct Sighting: Hashable, Sendable {
        var tunnel: TunnelID
        var client: Endpoint
        var target: Endpoint
        /// Nil when the process can't be seen.
        var process: ApplicationObservation?
        /// The user of the client's socket; nil for another host's.
        var uid: UInt32?
    }

    /// What is this manager's own.
    struct Own: Sendable {
        var processes: Set<Int32>
        /// The data plane's ends of its connections to targets: nobody but root may look into its descriptors.
        var ends: Set<Endpoint> = []
    }

    /// One and the same program of a user, however many connections it makes.
    private struct Offender: Hashable {
        var tunnel: TunnelID
        var uid: UInt32?
        var program: String
    }

    /// How long the same program is not told again.
    static let quiet: Duration = .seconds(60)
    private static let maximumOffenders = 1_024
    private static let maximumSuspects = 256
    private var told: [Offender: Timestamp] = [:]
    /// Whose process could not be seen at the last look. They are told at the next, unless the data plane has said by then that
    /// it was its own: what it says may come after the look.
    private var suspects: [Sighting] = []

    /// The bypasses that have not been told lately.
    ///
    /// - Parameters:
    ///   - fronts: The addresses that each tunnel's data goes to.
    ///   - own: What is this manager's. The ends are read after the processes.
    mutating func look(
        _ processes: [ApplicationObservation], fronts: [Endpoint: TunnelID], own: Own, at now: Timestamp
    ) -> [Sighting] {
        guard !fronts.isEmpty else {
            suspects = []
            return []
        }
        told = told.filter { now - $0.value < Self.quiet }
        let byPID = Dictionary(processes.map { ($0.pid, $0) }) { first, _ in first }
        let found = Self.bypasses(processes, byPID, fronts, own)
        let due = suspects.filter { !own.ends.contains($0.client.unmapped) } + found.filter { $0.process != nil }
        suspects = Array(found.lazy.filter { $0.process == nil }.prefix(Self.maximumSuspects))
        return due.filter { sighting in
            let offender = Offender(
                tunnel: sighting.tunnel, uid: sighting.uid,
                program: sighting.process.map { $0.executable ?? $0.name } ?? sighting.client.address.description)
            guard told[offender] == nil, told.count < Self.maximumOffenders else { return false }
            told[offender] = now
            return true
        }
    }

    /// Looked for from the client's side where that is on this host and can be seen, otherwise from the application's.
    private static func bypasses(
        _ processes: [ApplicationObservation], _ byPID: [Int32: ApplicationObservation], _ fronts: [Endpoint: TunnelID],
        _ own: Own
    ) -> [Sighting] {
        var found: [Sighting] = []
        var seen: Set<Endpoint> = []
        for process in processes where !own.processes.contains(process.pid) {
            for connection in process.connections where connection.isTCP {
                guard let tunnel = fronts[connection.remote.unmapped] else { continue }
                seen.insert(connection.local.unmapped)
                found.append(
                    Sighting(
                        tunnel: tunnel, client: connection.local, target: connection.remote, process: process,
                        uid: process.uid))
            }
        }
        let ownEnds = own.ends.union(
            processes.lazy.filter { own.processes.contains($0.pid) }.flatMap(\.connections).map(\.local.unmapped))
        for process in processes {
            for connection in process.connections where connection.isTCP && connection.state == .established {
                let client = connection.remote.unmapped
                guard let tunnel = fronts[connection.local.unmapped], !seen.contains(client), !ownEnds.contains(client),
                    connection.peerPID.map({ !own.processes.contains($0) && byPID[$0] == nil }) ?? true
                else { continue }
                found.append(
                    Sighting(
                        tunnel: tunnel, client: connection.remote, target: connection.local, process: nil, uid: nil))
            }
        }
        return found
    }
}

extension ObservedConnection {
    fileprivate var isTCP: Bool { transport == .tcp || transport == .tcp6 }
}
