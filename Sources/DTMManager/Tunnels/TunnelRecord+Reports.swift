import DTMAPI
import DTMCore
import DTMPlan
import DTMPolicy
import DTMTelemetry

extension TunnelRecord {
    /// What the API shows of it.
    func report(trustDomain: String) -> TunnelReport {
        let counters = observed.counters
        var report = TunnelReport(
            name: name.text, target: draft.target.description, tier: "fronted", identity: identity(in: trustDomain),
            endpoint: observed.endpoint.map(EndpointReport.init), previous: previousEndpoints,
            epoch: observed.turn?.epoch ?? 0, generation: observed.turn?.generation ?? generation,
            nextRotation: observed.nextAt?.rfc3339, rotations: observed.rotations,
            rotationFailures: observed.rotationFailures,
            connections: .init(
                active: counters.active, total: counters.total, rejected: counters.rejected, failed: counters.failed),
            bytesIn: counters.bytesIn, bytesOut: counters.bytesOut, certificate: observed.certificate.map(Self.report),
            intervalSeconds: Double(settings.schedule.intervalMilliseconds) / 1_000,
            overlapSeconds: Double(settings.overlapMilliseconds) / 1_000,
            portRange: [settings.schedule.lowestPort, settings.schedule.highestPort], allow: settings.policy.texts,
            origin: draft.origin.rawValue, problem: problem)
        report.timings = TunnelReport.Timings(observed.durations)
        report.application = draft.application
        report.decoys = Int(counters.decoys) + observed.listeners.count { $0.role == .decoy }
        return report
    }

    /// What its connectors must know.
    func followState(trust: TrustSnapshot, anchor: ClockAnchor, now: Timestamp) -> FollowState {
        let schedule = settings.schedule
        let epoch = ScheduleTime.epoch(at: now, intervalMilliseconds: schedule.intervalMilliseconds)
        return FollowState(
            tunnelID: id.description, serverIdentity: identity(in: trust.trustDomain), trustDomain: trust.trustDomain,
            trustBundle: trust.bundle.map(Base64.encode), clockOffsetNanoseconds: anchor.offsetNanoseconds,
            intervalMilliseconds: schedule.intervalMilliseconds, lowestPort: schedule.lowestPort,
            highestPort: schedule.highestPort, skippedPorts: schedule.skippedPorts, addressMode: schedule.addressMode,
            epoch: observed.turn?.epoch ?? epoch, generation: observed.turn?.generation ?? generation,
            endpoint: observed.endpoint.map(EndpointReport.init), keyGeneration: keyGeneration)
    }

    /// The listener's SPIFFE ID.
    func identity(in trustDomain: String) -> String {
        SPIFFEID.tunnel(id, in: trustDomain)?.description ?? ""
    }

    private var previousEndpoints: [TunnelReport.Previous] {
        observed.listeners.filter { $0.role == .overlap }.map { listener in
            TunnelReport.Previous(
                host: listener.endpoint.address.description, port: listener.endpoint.port, role: listener.role.name)
        }
    }

    private static func report(_ figures: CertificateFigures) -> TunnelReport.CertificateReport {
        TunnelReport.CertificateReport(
            serial: figures.serial.description, notBefore: figures.notBefore.rfc3339,
            notAfter: figures.notAfter.rfc3339,
            renewals: figures.renewals)
    }
}

extension TunnelReport.Timings {
    fileprivate init(_ durations: TunnelDurations) {
        self.init(
            rotation: TimingReport(durations.rotation), handshake: TimingReport(durations.handshake),
            lifetime: TimingReport(durations.lifetime))
    }
}

extension TimingReport {
    fileprivate init(_ histogram: DurationHistogram) {
        self.init(
            count: histogram.count, p50Micros: histogram.quantile(0.5), p99Micros: histogram.quantile(0.99),
            maximumMicros: histogram.maximumMicroseconds, buckets: histogram.doublings)
    }
}
