import DTMAPI
import DTMCore
import DTMText

/// `dtm tunnels` for people.
enum TunnelsView {
    static func lines(_ list: TunnelList, _ style: TextStyle, now: Timestamp) -> [String] {
        guard !list.tunnels.isEmpty else {
            return ["There are no tunnels. Protect an application: dtm protect 127.0.0.1:PORT"]
        }
        var table = TextTable([
            .text("NAME", least: 8), .text("TARGET", least: 12), .text("TIER"), .text("ENDPOINT"), .text("NEXT"),
            .number("ROTATIONS"), .number("CONN"), .number("IN"), .number("OUT"),
        ])
        for tunnel in list.tunnels { table.add(cells(tunnel, now)) }
        return table.lines(style) + list.tunnels.compactMap { problem($0, style) }
    }

    private static func cells(_ tunnel: TunnelReport, _ now: Timestamp) -> [TextTable.Cell] {
        [
            .init(tunnel.name, tunnel.problem == nil ? nil : .yellow), .init(tunnel.target), .init(tunnel.tier),
            .init(tunnel.endpoint?.text ?? "none yet"),
            .init(tunnel.nextRotation.map { Quantity.relative($0, to: now) } ?? "-"),
            .init(rotations(tunnel)), .init(String(tunnel.connections.active)),
            .init(Quantity.bytes(tunnel.bytesIn)), .init(Quantity.bytes(tunnel.bytesOut)),
        ]
    }

    private static func rotations(_ tunnel: TunnelReport) -> String {
        tunnel.rotationFailures == 0
            ? String(tunnel.rotations) : "\(tunnel.rotations) (\(tunnel.rotationFailures) failed)"
    }

    private static func problem(_ tunnel: TunnelReport, _ style: TextStyle) -> String? {
        tunnel.problem.map { style.paint("\(shown(tunnel.name)):", .yellow) + " \(shown($0))" }
    }
}

extension EndpointReport {
    /// `host:port`, brackets around an IPv6 address.
    var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
