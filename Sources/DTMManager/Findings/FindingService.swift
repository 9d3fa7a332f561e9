import DTMAnalysis
import DTMConfiguration
import DTMCore
import DTMTelemetry
import DTMTunnel
import ServiceLifecycle

/// Follows the journal, gives every event to the rules, and tells what they find.
///
/// It never holds up whoever records: should it fall behind, it loses events and says how many. What is found is told as
/// an event at once, and then to ``onFinding``, one after the other.
struct FindingService: Service {
    let parts: ControlParts
    let programs: any ProgramFinding
    let clock: any TimeSource
    /// Told of each finding that is new, worse than before, or seen again. It may take its time; the latest
    /// ``waiting`` wait for it.
    let onFinding: @Sendable (Finding) async -> Void

    private static let waiting = 256

    func run() async throws { try? await cancelWhenGracefulShutdown { try await follow() } }

    private func follow() async throws {
        let records = await parts.registry.records
        parts.findings.forget(besides: Set(records.map(\.name.text)))
        for record in records { parts.findings.know(record) }
        let events = try parts.recorder.journal.subscribe(after: 0, bufferSize: 4_096)
        let (raised, continuation) = AsyncStream<Finding>.makeStream(bufferingPolicy: .bufferingNewest(Self.waiting))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await finding in raised { await onFinding(finding) }
            }
            group.addTask {
                for await element in events { await take(element) { continuation.yield($0) } }
                continuation.finish()
            }
        }
    }

    private func take(_ element: JournalSubscription.Element, tell: (Finding) -> Void) async {
        switch element {
        case .gap(let missed):
            parts.recorder.record(
                Event.Kind.findingsGap, .warning,
                ["missed": .integer(Int64(clamping: missed)), "effect": "the rules have not seen these events"])
        case .entry(let entry):
            let event = await completed(entry.event)
            let outcomes = parts.findings.take(event)
            guard !outcomes.isEmpty else { return }
            let threshold = await parts.findingThreshold
            for outcome in outcomes {
                switch outcome {
                case .raised(let finding):
                    parts.recorder.record(
                        finding.event(Event.Kind.findingRaised, at: clock.now(), threshold: threshold))
                    tell(finding)
                // New evidence for what is known already: whoever goes on is answered more sharply.
                case .repeated(let finding): tell(finding)
                case .hidden: break
                }
            }
        }
    }

    /// The event with what can still be found out: the program at the other end, and the tunnel's application.
    private func completed(_ event: Event) async -> Event {
        switch event.kind {
        case Event.Kind.decoyTouched, Event.Kind.handshakeFailed, Event.Kind.connectionRefused:
            await know(event)
            return await attributed(event)
        case Event.Kind.listenerTakenOver:
            for record in await parts.registry.records { parts.findings.know(record) }
            return event
        case Event.Kind.squatterFound, Event.Kind.identityMisused, Event.Kind.tunnelEndpointTaken:
            await know(event)
            return event
        default: return event
        }
    }

    private func know(_ event: Event) async {
        guard let name = event.tunnel, event.app == nil, let record = try? await parts.registry.record(named: name)
        else { return }
        parts.findings.know(record)
    }

    /// Who it was, while his socket is there. The search has a budget of its own, for each user.
    private func attributed(_ event: Event) async -> Event {
        guard event.detail["executable"] == nil, case .integer(let uid)? = event.detail["uid"],
            case .integer(let inode)? = event.detail["inode"],
            let program = await programs.program(
                holding: UInt32(truncatingIfNeeded: inode), uid: UInt32(truncatingIfNeeded: uid))
        else { return event }
        var event = event
        event.detail.merge(program.detail) { told, _ in told }
        return event
    }
}

extension ControlParts {
    /// The risk from which something is to be done.
    var findingThreshold: Int {
        get async {
            Int((await configuration.current.configuration.analysis.securityThreshold * 100).rounded())
        }
    }

    /// All findings at this moment.
    func findingScene(limit: Int = .max) async -> FindingScene {
        let now = recorder.clock.now()
        let found = findings.findings(at: now)
        return FindingScene(
            found, at: now, threshold: await findingThreshold, limit: limit,
            actions: await responses.actions(about: found))
    }
}
