import DTMAPI
import DTMCore

/// A filter as it is typed: words that must all occur, in whatever case.
struct Filter: Sendable {
    private let words: [String]

    init(_ text: String) { words = text.lowercased().split(separator: " ").map(String.init) }

    var isEmpty: Bool { words.isEmpty }

    func matches(_ fields: [String]) -> Bool {
        words.allSatisfy { word in fields.contains { $0.lowercased().contains(word) } }
    }

    func matches(_ app: AppReport) -> Bool {
        isEmpty
            || matches(
                [app.application, app.name, app.user, String(app.pid), app.tunnel ?? "", app.unit ?? "", app.tier]
                    + app.listeners.map { "\($0.address):\($0.port)" })
    }

    func matches(_ tunnel: TunnelReport) -> Bool {
        isEmpty
            || matches([
                tunnel.name, tunnel.target, tunnel.tier, tunnel.application ?? "", tunnel.origin,
                tunnel.endpoint.map { "\($0.host):\($0.port)" } ?? "",
            ])
    }

    func matches(_ event: EventReport) -> Bool {
        isEmpty
            || matches(
                [event.kind, event.severity.rawValue, event.tunnel ?? "", event.app ?? "", event.identity ?? ""]
                    + event.detail.map { "\($0.key)=\($0.value)" })
    }

    func matches(_ finding: FindingReport) -> Bool {
        isEmpty || matches([finding.title, finding.app ?? "", finding.tunnel ?? "", finding.verdict, finding.source])
    }

    func matches(_ response: ResponseList.Entry) -> Bool {
        isEmpty
            || matches([
                response.id, response.rung, response.subject, response.tunnel ?? "", response.reason, response.state,
            ])
    }
}
