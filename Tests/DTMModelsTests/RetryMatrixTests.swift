import DTMCore
import Testing

@testable import DTMModels

/// What a provider may do, over real sockets and a clock that waits for nothing.
struct RetryMatrixTests {
    /// One consultation of one model that has this script.
    private func consult(
        _ steps: [ScriptedServer.Step], provider: ModelProvider = .openAICompatible, model: String = "local-model",
        timeout: Duration = .seconds(20)
    ) async throws -> (outcome: PanelOutcome, requests: [ScriptedServer.Request], sleeps: [Duration]) {
        try await ScriptedServer.run(steps) { server in
            try await withPanel([endpoint(server, provider, model: model)], timeout: timeout) { panel, clock in
                (await panel.consult(brief()), server.requests, clock.sleeps)
            }
        }
    }

    @Test func `A good answer is taken at the first request`() async throws {
        let (outcome, requests, sleeps) = try await consult([goodReply])
        #expect(outcome.failures == [] && outcome.origin == .asked && sleeps == [])
        #expect(outcome.advice?.opinions.map(\.attention) == [64])
        #expect(
            outcome.advice?.opinions.first?.evidence.map(\.description) == [
                "connections_per_minute", "decoy.touched",
            ])
        #expect(requests.count == 1 && requests[0].head.hasPrefix("POST /v1/chat/completions HTTP/1.1\r\n"))
        #expect(requests[0].head.lowercased().contains("authorization: bearer \(testKey.lowercased())\r\n"))
    }

    @Test("What may pass is asked again, twice at most", arguments: [408, 409, 429, 500, 502, 503, 504, 529])
    func retried(status: Int) async throws {
        let healed = try await consult([errorReply(status), errorReply(status), goodReply])
        #expect(healed.outcome.advice != nil && healed.requests.count == 3)
        #expect(healed.sleeps == [.milliseconds(500), .milliseconds(1_000)])
        let lasting = try await consult([errorReply(status)])
        #expect(lasting.outcome.advice == nil)
        // A plain 500 may be the answer to a format that is not known: the two other ways are tried as well.
        #expect(lasting.requests.count == (status == 500 ? 5 : 3))
    }

    @Test(
        "What would not change is not asked again",
        arguments: [
            (400, ModelFailure.Code.rejected), (401, .unauthorized), (403, .unauthorized), (404, .rejected),
            (413, .rejected), (422, .rejected), (301, .redirected), (302, .redirected), (307, .redirected),
            (204, .rejected), (418, .rejected),
        ])
    func notRetried(status: Int, expected: ModelFailure.Code) async throws {
        let headers = status / 100 == 3 ? [("Location", "http://127.0.0.1:1/elsewhere")] : []
        let (outcome, requests, sleeps) = try await consult([errorReply(status, headers: headers)])
        #expect(outcome.failures.map(\.code) == [expected])
        #expect(requests.count == 1 && sleeps == [])
    }

    @Test func `A spent account is not asked again, and is left alone`() async throws {
        try await ScriptedServer.run([errorReply(429, code: "insufficient_quota")]) { server in
            try await withPanel([endpoint(server)]) { panel, clock in
                #expect(await panel.consult(brief()).failures.map(\.code) == [.quota])
                clock.advance(.seconds(60))
                #expect(await panel.consult(brief()).failures.map(\.code) == [.onHold])
                #expect(server.requests.count == 1)
                clock.advance(.seconds(3_600))
                #expect(await panel.consult(brief()).failures.map(\.code) == [.quota])
                #expect(server.requests.count == 2)
            }
        }
    }

    @Test(
        "A provider says how long to wait",
        arguments: [
            ([("retry-after-ms", "1500")], Duration.milliseconds(1_500)),
            ([("retry-after", "3")], .seconds(3)),
            ([("retry-after", "0.25")], .milliseconds(250)),
            ([("retry-after-ms", "700"), ("retry-after", "9")], .milliseconds(700)),
            // The test clock stands at Fri, 15 Jan 2027 08:00:00 GMT.
            ([("retry-after", "Fri, 15 Jan 2027 08:00:07 GMT")], .seconds(7)),
            ([("retry-after", "Fri, 15 Jan 2027 07:00:00 GMT")], .zero),
            ([("retry-after", "soon")], .milliseconds(500)),
            ([("retry-after", "-4")], .milliseconds(500)),
            ([("retry-after", "nan")], .milliseconds(500)),
        ])
    func waits(headers: [(String, String)], expected: Duration) async throws {
        let (outcome, _, sleeps) = try await consult([errorReply(429, headers: headers), goodReply])
        #expect(outcome.advice != nil && sleeps == [expected])
    }

    @Test func `Who asks for a long pause gets it, and nobody waits for it`() async throws {
        let steps = [errorReply(503, headers: [("retry-after", "120")]), goodReply]
        try await ScriptedServer.run(steps) { server in
            try await withPanel([endpoint(server)]) { panel, clock in
                #expect(await panel.consult(brief()).failures.map(\.code) == [.serverError])
                #expect(clock.sleeps == [])
                clock.advance(.seconds(60))
                #expect(await panel.consult(brief()).failures.map(\.code) == [.onHold])
                clock.advance(.seconds(61))
                #expect(await panel.consult(brief()).advice != nil)
                #expect(server.requests.count == 2)
            }
        }
    }

    @Test func `x-should-retry goes before the status`() async throws {
        let forbidden = try await consult([errorReply(503, headers: [("x-should-retry", "false")]), goodReply])
        #expect(forbidden.outcome.failures.map(\.code) == [.serverError] && forbidden.requests.count == 1)
        let wanted = try await consult([errorReply(400, headers: [("x-should-retry", "true")]), goodReply])
        #expect(wanted.outcome.advice != nil && wanted.requests.count == 2)
    }

    @Test(
        "A reply of 200 that is none is not asked for again",
        arguments: [
            (completion("no", refusal: #""I will not""#), ModelFailure.Code.refused),
            // The refusal goes before the finish reason, and that before the text.
            (completion("{", finish: "length", refusal: #""I will not""#), .refused),
            (completion(goodAnswer, finish: "length"), .truncated),
            (completion(goodAnswer, finish: "content_filter"), .filtered),
            (completion(goodAnswer, finish: "tool_calls"), .malformed),
            (completion("```json\n\(goodAnswer)\n```"), .malformed),
            (completion("Here it is: \(goodAnswer)"), .malformed),
            (completion(goodAnswer.replacing("\"overall\"", with: "\"overall\": \"x\", \"overall\"")), .malformed),
            (completion(goodAnswer.replacing("64", with: "6618e+309")), .malformed),
            (completion(goodAnswer.replacing("e3", with: "e4")), .malformed),
            (Array(#"{"choices": [], "choices": []}"#.utf8), .malformed),
            (Array("[1,".utf8), .malformed), ([], .malformed), ([0xff, 0xfe, 0x7b], .malformed),
            (Array(#"{"choices": [{"finish_reason": "stop", "message": {"content": null}}]}"#.utf8), .malformed),
        ])
    func badReplies(body: [UInt8], expected: ModelFailure.Code) async throws {
        let (outcome, requests, _) = try await consult([.reply(status: 200, body: body)])
        #expect(outcome.failures.map(\.code) == [expected])
        #expect(requests.count == 1)
    }

    @Test("A reply of 10 MB is not read to its end", arguments: [true, false])
    func tooLong(saysSo: Bool) async throws {
        let body = [UInt8](repeating: UInt8(ascii: " "), count: 10 << 20)
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
        let step = saysSo ? ScriptedServer.Step.reply(status: 200, body: body) : .raw(Array(head.utf8) + body)
        let (outcome, requests, _) = try await consult([step])
        #expect(outcome.failures.map(\.code) == [.tooLarge] && requests.count == 1)
    }

    @Test(
        "Only JSON by its type is read", arguments: ["text/html", "text/event-stream", "application/octet-stream", ""])
    func contentType(type: String) async throws {
        let reply = ScriptedServer.Step.reply(
            status: 200, headers: [("Content-Type", type)], body: completion(goodAnswer))
        #expect(try await consult([reply]).outcome.failures.map(\.code) == [.contentType])
        let typed = ScriptedServer.Step.reply(
            status: 200, headers: [("Content-Type", "application/json; charset=utf-8")], body: completion(goodAnswer))
        #expect(try await consult([typed]).outcome.advice != nil)
    }

    @Test func `A connection that ends midway is asked again`() async throws {
        let half = Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"choi".utf8)
        let healed = try await consult([.raw(half), .raw([]), goodReply])
        #expect(healed.outcome.advice != nil && healed.requests.count == 3)
        let lasting = try await consult([.raw(half)])
        #expect(lasting.outcome.failures.map(\.code) == [.brokenOff] && lasting.requests.count == 3)
    }

    @Test func `What is no HTTP is a connection that broke`() async throws {
        let (outcome, _, _) = try await consult([.raw(Array("220 mail ready\r\n\r\n".utf8))])
        #expect(outcome.failures.map(\.code) == [.brokenOff])
    }

    @Test func `Silence, and a reply that drips for ever, end in time`() async throws {
        for step in [ScriptedServer.Step.silence, .drip] {
            let (outcome, requests, _) = try await consult([step], timeout: .milliseconds(200))
            #expect(outcome.failures.map(\.code) == [.timedOut] && requests.count == 3)
        }
    }

    @Test func `Nobody there is asked again, and then the next one is asked`() async throws {
        try await ScriptedServer.run([goodReply]) { server in
            var gone = try endpoint(server)
            gone.url = try #require(ModelURL("http://127.0.0.1:1/v1"))
            try await withPanel([gone, endpoint(server)]) { panel, clock in
                let outcome = await panel.consult(brief())
                #expect(outcome.failures.map(\.code) == [.unreachable] && outcome.advice != nil)
                #expect(clock.sleeps.count == 2)
            }
        }
    }
}
