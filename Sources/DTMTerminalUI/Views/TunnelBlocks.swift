import DTMAPI
import DTMCore
import DTMText

/// The parts of a tunnel's details.
enum TunnelBlocks {
    static func facts(_ entry: TunnelEntry, _ model: ConsoleModel, _ figures: Figures) -> [Block] {
        [tunnel(entry, model, figures), certificate(entry.report, figures)]
    }

    private static func tunnel(_ entry: TunnelEntry, _ model: ConsoleModel, _ figures: Figures) -> Block {
        let tunnel = entry.report
        let connections = tunnel.connections
        let next = model.live.link.isLive ? entry.nextRotation : nil
        let failures: Line = [
            Span("\(tunnel.rotations) done, "),
            Span("\(tunnel.rotationFailures) failed", tunnel.rotationFailures == 0 ? .dim : .warning),
        ]
        var facts: [(name: String, value: Line)] = [
            ("name", Line(shown(tunnel.name), .strong)), ("target", Line(shown(tunnel.target))),
            (
                "tier",
                figures.tier(tunnel.tier)
                    + Line(tunnel.tier == "fronted" ? "  the direct port is still open" : "", .dim)
            ),
            ("endpoint", figures.endpoint(tunnel.endpoint)),
            ("next", figures.countdown(next, interval: tunnel.intervalSeconds, width: 26)),
            ("rotations", failures),
            (
                "schedule",
                Line(
                    "every \(Quantity.duration(seconds: tunnel.intervalSeconds)), overlap "
                        + "\(Quantity.duration(seconds: tunnel.overlapSeconds)), ports "
                        + tunnel.portRange.map { String($0) }.joined(separator: figures.glyphs.unknown))
            ),
            ("turn", Line("epoch \(tunnel.epoch), generation \(tunnel.generation)", .dim)),
            (
                "connections",
                Line("\(connections.active) open, \(connections.total) in all, ")
                    + Line("\(connections.rejected) refused", connections.rejected == 0 ? .dim : .warning)
                    + Line(", \(connections.failed) failed", connections.failed == 0 ? .dim : .warning)
            ),
            ("bytes", Line("\(Quantity.bytes(tunnel.bytesIn)) in, \(Quantity.bytes(tunnel.bytesOut)) out")),
            (
                "allowed",
                Line(
                    tunnel.allow.isEmpty
                        ? "the application's user, and root" : tunnel.allow.map(shown).joined(separator: ", "))
            ),
            ("asked for by", Line(shown(tunnel.origin), .dim)),
        ]
        if let problem = tunnel.problem { facts.append(("problem", Line(shown(problem), .bad))) }
        let decoys = tunnel.decoys ?? 0
        let overlap = tunnel.previous.filter { $0.role == "overlap" }
        facts.append(
            (
                "also there",
                Line("\(Quantity.count(decoys, "decoy"))")
                    + Line(overlap.map { ", \(Figures.place($0.host, $0.port)) until its overlap ends" }.joined(), .dim)
            ))
        return .facts("Tunnel", facts, glyphs: figures.glyphs)
    }

    private static func certificate(_ tunnel: TunnelReport, _ figures: Figures) -> Block {
        guard let certificate = tunnel.certificate else {
            return Block("Certificate", [Line("None was issued yet.", .dim)])
        }
        return .facts(
            "Certificate",
            [
                ("identity", Line(shown(tunnel.identity))), ("serial", Line(shown(certificate.serial), .dim)),
                ("issued", figures.relative(certificate.notBefore)),
                ("ends", figures.relative(certificate.notAfter) + Line(", renewed by itself before", .dim)),
                ("renewals", Line(String(certificate.renewals))),
            ], glyphs: figures.glyphs)
    }

    static func latencies(_ entry: TunnelEntry, width: Int, _ figures: Figures) -> [Block] {
        guard let timings = entry.report.timings else { return [] }
        return [
            Block(
                "Latency of a TLS handshake through the endpoint",
                Graph.timing(timings.handshake, width: width, figures)),
            Block("Rotation, from due to live", Graph.timing(timings.rotation, width: width, figures)),
        ]
    }

    static func rotations(_ name: String, _ model: ConsoleModel, _ figures: Figures) -> Block {
        let kinds = [Event.Kind.tunnelRotated, Event.Kind.tunnelRotationFailed, Event.Kind.tunnelEndpointTaken]
        let events = model.data.events.reversed().lazy.filter { $0.tunnel == name && kinds.contains($0.kind) }.prefix(8)
        let lines = events.map { event -> Line in
            let time = Span("\(Figures.clock(event.time))  ", .dim)
            guard event.kind == Event.Kind.tunnelRotated else {
                return [time, Span(shown(event.detail["reason"]?.description ?? event.kind), .warning)]
            }
            let place = [event.detail["host"], event.detail["port"]].compactMap { $0?.description }.joined(
                separator: ":")
            let took = event.detail["handshakeMicros"].flatMap { UInt64($0.description) }.map(figures.micros)
            return [time, Span(shown(place), .accent), Span(took.map { "  handshake \($0)" } ?? "", .dim)]
        }
        return Block("Rotations", lines.isEmpty ? [Line("None that is remembered.", .dim)] : Array(lines))
    }

    static func decisions(_ name: String, _ model: ConsoleModel, _ figures: Figures) -> Block {
        let good = [Event.Kind.connectGranted, Event.Kind.programAdmitted]
        let bad = [
            Event.Kind.connectDenied, Event.Kind.programRefused, Event.Kind.connectionRefused,
            Event.Kind.identityMisused, Event.Kind.connectionCut, Event.Kind.tunnelBypassed, Event.Kind.decoyTouched,
            Event.Kind.handshakeFailed,
        ]
        let events = model.data.events.reversed().lazy
            .filter { $0.tunnel == name && (good.contains($0.kind) || bad.contains($0.kind)) }.prefix(8)
        let lines = events.map { event -> Line in
            let reason = event.detail["reason"].map { ": \(shown($0.description))" } ?? ""
            let who = event.detail["user"].map { " \(shown($0.description))" } ?? ""
            let program = event.detail["executable"].map { " \(shown($0.description))" } ?? ""
            return [
                Span("\(Figures.clock(event.time))  ", .dim),
                Span(shown(event.kind), good.contains(event.kind) ? .good : .warning), Span(who + program),
                Span(reason, .dim),
            ]
        }
        return Block(
            "Decisions and their reasons", lines.isEmpty ? [Line("None that is remembered.", .dim)] : Array(lines))
    }
}
