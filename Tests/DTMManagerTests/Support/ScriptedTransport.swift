import DTMAnalysis
import DTMCore
import DTMModels
import Synchronization

@testable import DTMManager

/// Answers as a server of OpenAI's chat completions, with what `answer` makes of the question.
final class ScriptedTransport: ClosableModelTransport {
    private let answer: @Sendable (String) throws(TransportFailure) -> String
    private let received = Mutex<[String]>([])
    private let ends = Mutex(0)

    init(_ answer: @escaping @Sendable (String) throws(TransportFailure) -> String) { self.answer = answer }

    /// The bodies that came.
    var requests: [String] { received.withLock(\.self) }
    /// How often it was shut down.
    var shutdowns: Int { ends.withLock(\.self) }

    func send(_ request: OutgoingRequest) async throws(TransportFailure) -> IncomingReply {
        let text = String(decoding: request.body, as: UTF8.self)
        received.withLock { $0.append(text) }
        let content = JSONWriter.quoted(try answer(text))
        let body = """
            {"id": "x", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", \
            "content": \(content)}}], "usage": {"total_tokens": 100}}
            """
        return IncomingReply(status: 200, headers: [("Content-Type", "application/json")], body: Array(body.utf8))
    }

    func shutdown() async { ends.withLock { $0 += 1 } }

    /// The same word of `app-1`, whatever is asked.
    static func always(_ verdict: String, _ attention: Int, _ words: String = "Stop everything.") -> ScriptedTransport {
        ScriptedTransport { _ in
            """
            {"overall": "\(words)", "applications": [{"id": "app-1", "verdict": "\(verdict)", "attention": \
            \(attention), "summary": "\(words)", "evidence": [], "recommendation": "\(words)"}]}
            """
        }
    }
}

extension Samples {
    /// What an analyst knows that has watched tunnels and their applications for two minutes.
    static func known(_ tunnels: [(name: String, app: String?)]) -> [KnownSubject] {
        var analyst = Analyst()
        let values: [Metric: Double] = [.opened: 2, .bytesOut: 1_000, .duration: 0.5, .interArrival: 5]
        for second in 0..<120 {
            let readings = tunnels.flatMap { tunnel in
                [Reading(.tunnel(tunnel.name), values: values, app: tunnel.app)]
                    + (tunnel.app.map {
                        [Reading(.application($0), values: [.cpu: 50, .memory: 2_000_000_000, .threads: 4], app: $0)]
                    } ?? [])
            }
            _ = analyst.take(readings, at: now + .seconds(Int64(second)))
        }
        return analyst.known.compactMap { subject in
            analyst[subject].map { KnownSubject(subject: subject, app: $0.app, figures: $0.figures) }
        }
    }
}
