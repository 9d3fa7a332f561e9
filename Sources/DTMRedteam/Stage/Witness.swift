import DTMAPI
import DTMCore

/// What the manager knows of an attack while it goes on: its events, and where the tunnel really was.
struct Witness {
    let control: ControlClient
    let tunnel: String
    private(set) var lastEvent: UInt64 = 0
    private(set) var findings: [EventReport] = []
    private(set) var responses: [EventReport] = []
    /// Every place that served since the beginning, as `127.3.4.5:5123`, and from when until when it was seen to, in
    /// milliseconds of wall time.
    private(set) var served: [String: ClosedRange<Int64>] = [:]
    /// How far apart two looks are, at most: a place may have served so much longer to either side.
    static let patience: Int64 = 250
    private(set) var report: TunnelReport?

    /// From now on.
    init(_ control: ControlClient, tunnel: String) async throws {
        self.control = control
        self.tunnel = tunnel
        lastEvent = try await control.events().events.last?.id ?? 0
        try await look()
    }

    mutating func look() async throws {
        if let now = try await control.tunnels().tunnels.first(where: { $0.name == tunnel }) {
            report = now
            if let endpoint = now.endpoint { serves("\(endpoint.host):\(endpoint.port)") }
            for place in now.previous { serves("\(place.host):\(place.port)") }
        }
        for event in try await control.events(after: lastEvent).events {
            lastEvent = max(lastEvent, event.id)
            guard event.tunnel == nil || event.tunnel == tunnel else { continue }
            switch event.kind {
            case Event.Kind.findingRaised: findings.append(event)
            case Event.Kind.responseNotified, Event.Kind.responsePerformed, Event.Kind.responseProposed,
                Event.Kind.responseWithheld:
                responses.append(event)
            default: break
            }
        }
    }

    private mutating func serves(_ place: String) {
        let moment = WallClock().now().milliseconds
        served[place] = (served[place]?.lowerBound ?? moment)...moment
    }

    /// How many of the places that answered an attacker served when he came.
    func touches(_ attacker: AttackerReport) -> Int {
        zip(attacker.answered, attacker.answeredAt).count { place, moment in
            served[place].map { ($0.lowerBound - Self.patience...$0.upperBound + Self.patience).contains(moment) }
                ?? false
        }
    }

    /// Whether something was done, or was found whose risk asks for nothing.
    var isAnswered: Bool {
        if answer(since: Timestamp(seconds: 0)) != nil { return true }
        return findings.last.map { event in
            if case .integer(let risk)? = event.detail["risk"] { risk < Self.threshold } else { false }
        } ?? false
    }

    /// `analysis.securityThreshold` of the default configuration.
    static let threshold: Int64 = 70

    /// The first finding in words and numbers.
    func alarm(since start: Timestamp, _ attacker: AttackerReport) -> RedteamReport.Alarm? {
        guard let event = findings.first, let moment = Timestamp(rfc3339: event.time) else { return nil }
        var risk = 0
        if case .integer(let number)? = event.detail["risk"] { risk = Int(clamping: number) }
        return RedteamReport.Alarm(
            code: text(event, "code") ?? event.kind, title: text(event, "title") ?? event.kind, risk: risk,
            subject: text(event, "subject"), probes: attacker.probes(until: moment.milliseconds),
            seconds: rounded(max(0, (moment - start).inSeconds)))
    }

    /// The first thing that was done, and what else was, or waits for a person.
    func answer(since start: Timestamp) -> RedteamReport.Answer? {
        let done = responses.filter { [Event.Kind.responseNotified, Event.Kind.responsePerformed].contains($0.kind) }
        guard let first = done.first, let moment = Timestamp(rfc3339: first.time) else { return nil }
        let rest = responses.filter { $0.id != first.id }.map { event in
            switch event.kind {
            case Event.Kind.responseProposed: "\(rung(event)) is proposed"
            case Event.Kind.responseWithheld: "\(rung(event)) is withheld"
            default: rung(event)
            }
        }
        return RedteamReport.Answer(
            rung: rung(first), seconds: rounded(max(0, (moment - start).inSeconds)), more: rest)
    }

    /// `response.notified` is a rung by itself.
    private func rung(_ event: EventReport) -> String { text(event, "rung") ?? "notify" }

    private func text(_ event: EventReport, _ key: String) -> String? { event.detail[key]?.description }
}
