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

    /// One and the same program of a user, however many connections it makes.
    private struct Offender: Hashable {
        var tunnel: TunnelID
        var uid: UInt32?
        var program: String
    }

    /// How long the same program is not told again.
    static let quiet: Duration = .seconds(60)
    private static let maximumOffenders = 1_024
    private var told: [Offender: Timestamp] = [:]

    /// The bypasses that have not been told lately.
    ///
    /// - Parameters:
    ///   - fronts: The addresses that each tunnel's data goes to.
    ///   - own: The processes of this manager.
    mutating func look(
        _ processes: [ApplicationObservation], fronts: [Endpoint: TunnelID], own: Set<Int32>, at now: Timestamp
    ) -> [Sighting] {
        guard !fronts.isEmpty else { return [] }
        told = told.filter { now - $0.value < Self.quiet }
        let byPID = Dictionary(processes.map { ($0.pid, $0) }) { first, _ in first }
        return Self.bypasses(processes, byPID, fronts, own).filter { sighting in
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
        _ own: Set<Int32>
    ) -> [Sighting] {
        var found: [Sighting] = []
        var seen: Set<Endpoint> = []
        for process in processes where !own.contains(process.pid) {
            for connection in process.connections where connection.isTCP {
                guard let tunnel = fronts[connection.remote.unmapped] else { continue }
                seen.insert(connection.local.unmapped)
                found.append(
                    Sighting(
                        tunnel: tunnel, client: connection.local, target: connection.remote, process: process,
                        uid: process.uid))
            }
        }
        let ownEnds = Set(
            processes.lazy.filter { own.contains($0.pid) }.flatMap(\.connections).map(\.local.unmapped))
        for process in processes {
            for connection in process.connections where connection.isTCP && connection.state == .established {
                let client = connection.remote.unmapped
                guard let tunnel = fronts[connection.local.unmapped], !seen.contains(client),
                    connection.peerPID.map({ !own.contains($0) && byPID[$0] == nil }) ?? !ownEnds.contains(client)
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
