import DTMCore
import Testing

@testable import DTMNotify

private func event(_ kind: String = Event.Kind.findingRaised, risk: Int64 = 85, _ severity: Severity = .error) -> Event
{
    Event(
        time: Timestamp(seconds: 1), kind: kind, severity: severity, tunnel: "redis",
        detail: ["risk": .integer(risk), "title": "A decoy was touched"])
}

private func notification(_ number: Int, risk: Int64 = 85) throws -> Notification {
    try #require(Notification(event(risk: risk), id: "msg_\(number)"))
}

private func expectEqual<Value: Equatable>(
    _ found: Value, _ wanted: Value, location: SourceLocation = #_sourceLocation
) {
    #expect(found == wanted, sourceLocation: location)
}

private let start = Timestamp(seconds: 1_000)

@Suite struct OutboxTests {
    @Test func `What arrives leaves the queue and is counted`() throws {
        var outbox = Outbox(limits: .init())
        let first = try notification(1)
        outbox.take(first)
        expectEqual(outbox.next(at: start), .send(first))
        expectEqual(outbox.outcome(.accepted, of: first, at: start, jitter: 0), nil)
        expectEqual(outbox.next(at: start), .nothing)
        #expect(outbox.delivered == 1)
    }

    @Test func `The oldest makes room, and that is counted and told once a minute`() throws {
        var limits = Outbox.Limits()
        limits.capacity = 2
        var outbox = Outbox(limits: limits)
        for number in 1...5 { outbox.take(try notification(number)) }
        #expect(outbox.waiting == 2 && outbox.dropped == 3)
        expectEqual(outbox.next(at: start), .send(try notification(4)))
        expectEqual(outbox.droppedToTell(at: start), 3)
        outbox.take(try notification(6))
        expectEqual(outbox.droppedToTell(at: start + .seconds(59)), nil)
        expectEqual(outbox.droppedToTell(at: start + .seconds(60)), 1)
    }

    @Test func `What is milder than asked for is not taken`() throws {
        var outbox = Outbox(limits: .init(minimumSeverity: .warning, minimumRisk: 70))
        let mild = try #require(Notification(event(Event.Kind.responseUndone, .notice), id: "a"))
        let taken = [
            outbox.take(try notification(1, risk: 69)), outbox.take(try notification(2, risk: 70)), outbox.take(mild),
        ]
        #expect(taken == [false, true, false])
    }

    @Test func `An attempt that may go better later is made again with growing pauses, then given up`() throws {
        var outbox = Outbox(limits: .init())
        let only = try notification(1)
        outbox.take(only)
        var now = start
        var pauses: [Duration] = []
        for _ in 1...5 {
            expectEqual(outbox.next(at: now), .send(only))
            expectEqual(outbox.outcome(.status(503, retryAfter: nil), of: only, at: now, jitter: 0), nil)
            guard case .wait(let until) = outbox.next(at: now) else {
                Issue.record("it does not wait")
                return
            }
            pauses.append(until - now)
            now = until
        }
        #expect(pauses == [1, 2, 4, 8, 16].map { Duration.seconds($0) })
        expectEqual(outbox.next(at: now), .send(only))
        let change = outbox.outcome(.status(503, retryAfter: nil), of: only, at: now, jitter: 0)
        #expect(change == .failing("the receiver answered 503"))
        #expect(outbox.failed == 1 && outbox.waiting == 0)
    }

    @Test func `Failing is told once, and so is that it is over`() throws {
        var outbox = Outbox(limits: .init())
        for number in 1...3 { outbox.take(try notification(number)) }
        let results: [AttemptResult] = [.refused("no"), .refused("no"), .accepted]
        let changes = try results.enumerated().map { index, result in
            _ = outbox.next(at: start)
            return outbox.outcome(result, of: try notification(index + 1), at: start, jitter: 0)
        }
        #expect(changes == [.failing("no"), nil, .recovered])
    }

    @Test func `One that made room while it was tried takes nobody else with it`() throws {
        var limits = Outbox.Limits()
        limits.capacity = 1
        var outbox = Outbox(limits: limits)
        let (first, second) = (try notification(1), try notification(2))
        outbox.take(first)
        expectEqual(outbox.next(at: start), .send(first))
        outbox.take(second)
        _ = outbox.outcome(.accepted, of: first, at: start, jitter: 0)
        expectEqual(outbox.next(at: start), .send(second))
    }

    @Test func `No more than the rate allows are sent within any minute`() throws {
        var outbox = Outbox(limits: .init(maximumPerMinute: 2))
        for number in 1...3 { outbox.take(try notification(number)) }
        for number in 1...2 {
            _ = outbox.next(at: start)
            _ = outbox.outcome(.accepted, of: try notification(number), at: start, jitter: 0)
        }
        expectEqual(outbox.next(at: start + .seconds(1)), .wait(until: start + .seconds(60)))
        expectEqual(outbox.next(at: start + .seconds(60)), .send(try notification(3)))
    }
}

@Suite struct RetryPolicyTests {
    private let policy = RetryPolicy()

    @Test(arguments: [408, 429, 500, 502, 599])
    func `Answers that are worth another attempt`(_ code: Int) {
        guard case .again = policy.decide(.status(code, retryAfter: nil), attempt: 1, jitter: 0) else {
            Issue.record("\(code)")
            return
        }
    }

    @Test(arguments: [301, 307, 400, 401, 404, 410])
    func `Answers that are not`(_ code: Int) {
        guard case .failed = policy.decide(.status(code, retryAfter: .seconds(1)), attempt: 1, jitter: 0) else {
            Issue.record("\(code)")
            return
        }
    }

    @Test func `The receiver may ask for a longer pause, up to five minutes, and for no shorter one`() {
        func pause(_ asked: Duration) -> RetryPolicy.Decision {
            policy.decide(.status(429, retryAfter: asked), attempt: 3, jitter: 0)
        }
        let words = "the receiver answered 429"
        #expect(pause(.seconds(90)) == .again(after: .seconds(90), because: words))
        #expect(pause(.seconds(100_000)) == .again(after: .seconds(300), because: words))
        #expect(pause(.zero) == .again(after: .seconds(4), because: words))
    }

    @Test func `Jitter takes up to a quarter off`() {
        #expect(
            policy.decide(.unreachable("x"), attempt: 3, jitter: 1) == .again(after: .seconds(3), because: "x"))
    }

    @Test(arguments: [("0", 0), ("120", 120), ("999999999", 999_999_999)])
    func `Retry-After in seconds`(_ text: String, _ seconds: Int) {
        #expect(RetryPolicy.retryAfter(text) == .seconds(seconds))
    }

    @Test(arguments: ["", "-1", "1.5", "9999999999", "Fri, 31 Dec 1999 23:59:59 GMT", " 1", "١"])
    func `Anything else in Retry-After is passed over`(_ text: String) { #expect(RetryPolicy.retryAfter(text) == nil) }
}

@Suite struct NotificationTests {
    @Test func `It is one JSON object with its version`() throws {
        let body = String(decoding: try notification(1).body(), as: UTF8.self)
        #expect(
            body == #"{"detail":{"risk":85,"title":"A decoy was touched"},"id":"msg_1","risk":85,"schemaVersion":1,"#
                + #""severity":"error","time":"1970-01-01T00:00:01.000Z","title":"A decoy was touched","tunnel":"redis","#
                + #""type":"finding.raised"}"#)
    }

    @Test func `A response is a sentence`() throws {
        let event = Event(
            time: start, kind: Event.Kind.responseProposed, severity: .warning,
            detail: ["rung": "quarantine", "subject": "program:uid 1001 /usr/bin/nmap"])
        #expect(
            Notification(event, id: "a")?.title == "quarantine for program:uid 1001 /usr/bin/nmap proposed")
    }

    @Test func `What nobody is told of is no notification, those about notifications among it`() {
        for kind in [Event.Kind.tunnelRotated, "notification.failed", "notification.dropped", "finding.dismissed"] {
            #expect(Notification(event(kind), id: "a") == nil)
        }
    }

    @Test func `Foreign text of any length stays within the bound`() throws {
        var event = event()
        for number in 0..<64 {
            event.detail["list\(number)"] = .list(
                Array(repeating: String(repeating: "\u{1}é", count: 2_000), count: 99))
        }
        event.detail["title"] = .string(String(repeating: "x", count: 100_000))
        let body = try #require(Notification(event, id: "a")).body()
        #expect(body.count <= Notification.maximumBytes)
        #expect(String(decoding: body, as: UTF8.self).contains("\"risk\":85"))
    }
}
