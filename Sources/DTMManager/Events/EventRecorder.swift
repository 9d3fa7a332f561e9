import DTMCore
import DTMTelemetry

/// Takes every event of control to where events go: the journal in memory, from which the API serves them, and the log.
struct EventRecorder: Sendable {
    let journal: EventJournal
    /// Nil in tests.
    let log: EventLog?
    let clock: any TimeSource

    func record(_ event: Event) {
        journal.append(event)
        log?.record(event)
    }

    func record(_ events: [Event]) {
        for event in events { record(event) }
    }

    /// Something that happens now.
    func record(
        _ kind: String, _ severity: Severity, tunnel: TunnelName? = nil, app: String? = nil, identity: SPIFFEID? = nil,
        _ detail: [String: DetailValue] = [:]
    ) {
        record(
            Event(
                time: clock.now(), kind: kind, severity: severity, tunnel: tunnel?.text, app: app,
                identity: identity?.description, detail: detail))
    }
}
