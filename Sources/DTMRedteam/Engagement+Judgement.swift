import DTMCore
import DTMTunnel
import Glibc

/// What is made of an attack that is over.
extension Engagement {
    func outcome(
        _ result: Result, _ witness: Witness, strangers: Int, seconds: Double
    ) -> RedteamReport.Outcome {
        let attacker = result.attacker
        let touches = witness.touches(attacker)
        // What else answers on a host's loopback is none of this tunnel's.
        let foreign = attacker.foreign.count { witness.served[$0] != nil || $0 == stage?.target }
        let inside = max(attacker.accepted, foreign)
        return RedteamReport.Outcome(
            attack: attack.rawValue, title: attack.title, reached: strangers > 0 || inside > 0,
            probes: attacker.probes, touchedReal: touches, alarm: witness.alarm(since: result.start, attacker),
            response: witness.answer(since: result.start),
            chance: chance(result, touches: touches, strangers: max(strangers, inside)),
            clientServed: result.clientServed, seconds: rounded(seconds), notes: notes(result, touches, strangers))
    }

    private func chance(_ result: Result, touches: Int, strangers: Int) -> RedteamReport.Chance? {
        let attacker = result.attacker
        guard attacker.probes > 0 else { return nil }
        let ports = (Int(setting.portRange.last ?? 0) - Int(setting.portRange.first ?? 0)) + 1
        switch attack {
        case .rangeSweep, .replay:
            return .init(
                attack == .replay ? "an old endpoint serves" : "a probe meets an endpoint",
                Proportion(hits: touches, trials: attacker.probes), formula: 0,
                attack == .replay ? "0 after interval + overlap" : "0: no endpoint is at 127.0.0.1 while addresses hop",
                live: true)
        case .fullSweep:
            return .init(
                "a random probe meets an endpoint", Proportion(hits: touches, trials: run.options.trials),
                formula: Formulas.blind(probes: 1 + setting.overlapSeconds / setting.intervalSeconds, ports: ports),
                "R / (addresses × ports)", live: true)
        case .procReader, .slowScan: return firstTouch(ports)
        case .squatter:
            return .init(
                "a held place is a rotation's next",
                Proportion(hits: result.failures, trials: max(1, result.rotations)),
                formula: Formulas.blind(probes: Double(Self.heldPlaces), ports: ports), "held / (addresses × ports)",
                live: true)
        case .follower, .flood, .expiredCertificate:
            return .init(
                "an attempt at the live endpoint gets in", Proportion(hits: strangers, trials: attacker.probes),
                formula: 0,
                "0: mutual TLS", live: true)
        case .bypass:
            return .init(
                "past the tunnel to the application", Proportion(hits: min(1, strangers), trials: 1),
                formula: run.options.onUnixSocket && run.attackerUID != geteuid() ? 0 : 1,
                run.options.onUnixSocket
                    ? "0 for another user: the folder of its socket is closed" : "1: the tier is fronted", live: true)
        }
    }

    /// By the thousand, from the code that places listeners: on the clock there is one picture every few seconds.
    private func firstTouch(_ ports: Int) -> RedteamReport.Chance? {
        let timing = RotationTiming(
            intervalMilliseconds: UInt32(clamping: Int64(setting.intervalSeconds * 1_000)),
            overlapMilliseconds: UInt32(clamping: Int64(setting.overlapSeconds * 1_000)))
        guard let low = setting.portRange.first, let high = setting.portRange.last,
            let schedule = try? EndpointSchedule(
                parameters: ScheduleParameters(
                    intervalMilliseconds: timing.intervalMilliseconds, lowestPort: low, highestPort: high,
                    skippedPorts: WellKnownPorts.builtIn.filter((low...high).contains).sorted(), addressMode: .hop)),
            let touch = try? Trials(
                decoys: setting.decoys, timing: timing, schedule: schedule,
                seed: run.options.seed &+ UInt64(Attack.allCases.firstIndex(of: attack) ?? 0)
            )
            .first(run.options.trials)
        else { return nil }
        return .init(
            "the first touch is an endpoint", touch.measured,
            formula: Formulas.touch(
                decoys: setting.decoys, interval: setting.intervalSeconds, overlap: setting.overlapSeconds),
            "mean of R / (R + K), K = \(setting.decoys)", live: false)
    }

    private func notes(_ result: Result, _ touches: Int, _ strangers: Int) -> [String] {
        var notes: [String] = []
        let attacker = result.attacker
        if let problem = attacker.problem { notes.append("the attack was not carried out: \(problem)") }
        if result.clientServed == false { notes.append("the application's own client was not served afterwards") }
        if attack == .squatter {
            notes.append(
                "took \(attacker.taken) of the tunnel's places; \(result.rotations) rotations went on, \(result.failures) failed"
            )
        }
        if attack == .bypass || attack == .fullSweep, strangers > 0 {
            notes.append(
                run.options.onUnixSocket
                    ? "the attacker is the application's own user, whom the folder of its socket lets in"
                    : "reached by the application's own port, which is open beside the tunnel (tier fronted): see --unix"
            )
        }
        if attack == .follower || attack == .flood {
            notes.append("found the live endpoint by its established connections; mutual TLS carries this case")
        }
        return notes
    }
}
