import DTMAPI

/// Whom one application is connected to: its connections, counted by application and place.
struct AppPeers {
    /// Connections of one application to or from one place.
    struct Row: Hashable, Sendable {
        var peer: String
        /// Whether the peer came to us.
        var isIncoming: Bool
        /// Our place when the peer came to us, and its place when we went there.
        var place: String
        var connections = 0
        /// Nil when not one of them was counted.
        var bytesIn: UInt64?
        var bytesOut: UInt64?
        var roundTrips: [UInt32] = []

        /// The middle one, in microseconds.
        var roundTrip: UInt32? {
            roundTrips.isEmpty ? nil : roundTrips.sorted()[roundTrips.count / 2]
        }

        fileprivate mutating func add(_ connection: AppReport.Connection) {
            connections += 1
            bytesIn = Self.sum(bytesIn, connection.bytesIn)
            bytesOut = Self.sum(bytesOut, connection.bytesOut)
            if let time = connection.rttMicros { roundTrips.append(time) }
        }

        private static func sum(_ left: UInt64?, _ right: UInt64?) -> UInt64? {
            guard let left else { return right }
            return left.addingReportingOverflow(right ?? 0).partialValue
        }
    }

    /// The busiest first.
    let rows: [Row]

    /// - Parameters:
    ///   - processes: Those of the application.
    ///   - everyone: All that may be at the other end.
    init(_ processes: [AppReport], among everyone: [AppReport]) {
        let names = everyone.reduce(into: [Int32: String]()) { $0[$1.pid] = $1.application }
        let ports = Set(processes.flatMap(\.listeners).filter { $0.protocol != "unix" }.map { String($0.port) })
        var rows: [String: Row] = [:]
        for connection in processes.flatMap(\.connections) {
            let isIncoming = ports.contains(Self.port(connection.local)) || Self.looksIncoming(connection)
            let place = isIncoming ? connection.local : connection.remote
            let peer = connection.peerPid.flatMap { names[$0] } ?? Self.host(connection.remote)
            rows["\(peer) \(isIncoming) \(place)", default: Row(peer: peer, isIncoming: isIncoming, place: place)]
                .add(connection)
        }
        self.rows = rows.values.sorted { ($1.connections, $0.peer, $0.place) < ($0.connections, $1.peer, $1.place) }
    }

    /// Who listened once may do so no more, as a tunnel's endpoint that has moved. Linux gives ports from 32768 on to who
    /// connects (`ip_local_port_range`, `ip(7)`).
    private static func looksIncoming(_ connection: AppReport.Connection) -> Bool {
        let ephemeral: UInt16 = 32_768
        guard let local = UInt16(port(connection.local)), let remote = UInt16(port(connection.remote)) else {
            return false
        }
        return local < ephemeral && remote >= ephemeral
    }

    private static func port(_ endpoint: String) -> String {
        endpoint.lastIndex(of: ":").map { String(endpoint[endpoint.index(after: $0)...]) } ?? ""
    }

    private static func host(_ endpoint: String) -> String {
        endpoint.lastIndex(of: ":").map { String(endpoint[..<$0]) } ?? endpoint
    }
}
