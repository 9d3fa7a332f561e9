import DTMCore
import DTMTestSupport
import Testing

@testable import DTMModels

struct RetryAfterTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    private func reply(_ headers: [(name: String, value: String)]) -> IncomingReply {
        IncomingReply(status: 429, headers: headers)
    }

    @Test(
        "Delays double up to eight seconds, less up to a quarter",
        arguments: [(0, 0.0, 500), (0, 1.0, 375), (1, 0.0, 1_000), (4, 0.0, 8_000), (9, 1.0, 6_000), (99, 5.0, 6_000)])
    func delays(retry: Int, random: Double, milliseconds: Int) {
        #expect(RetryPolicy.delay(before: retry, random: random) == .milliseconds(milliseconds))
    }

    @Test(
        "Spans are read",
        arguments: [("1s", 1.0), ("6m0s", 360), ("20ms", 0.02), ("1h2m3s", 3_723), ("0.5s", 0.5)])
    func spans(text: String, seconds: Double) { #expect(RetryAfter.spans(text) == seconds) }

    @Test("What is no span is none", arguments: ["", "s", "1", "1x", "-1s", "1 s", "1sm", "..s", "1e9s"])
    func noSpans(text: String) { #expect(RetryAfter.spans(text) == nil) }

    @Test(
        "What is left is read from either provider's headers",
        arguments: [
            ("x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "12s", Duration.seconds(12)),
            ("x-ratelimit-remaining-requests", "5", "x-ratelimit-reset-requests", "12s", nil),
            (
                "anthropic-ratelimit-tokens-remaining", "0", "anthropic-ratelimit-tokens-reset", "2027-01-15T08:00:30Z",
                .seconds(30)
            ),
            ("x-ratelimit-remaining-tokens", "0", "x-ratelimit-reset-tokens", "9999h", .seconds(3_600)),
            ("x-ratelimit-remaining-tokens", "zero", "x-ratelimit-reset-tokens", "1s", nil),
        ] as [(String, String, String, String, Duration?)])
    func exhaustion(name: String, left: String, reset: String, when: String, expected: Duration?) {
        #expect(RetryAfter.exhaustion(reply([(name, left), (reset, when)]), at: now) == expected)
    }

    @Test func `Dates of headers are read, and other dates are not`() {
        #expect(HTTPDate.timestamp("Sun, 06 Nov 1994 08:49:37 GMT") == Timestamp(seconds: 784_111_777))
        for text in [
            "", "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Feb 2027 08:00:00 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        ] {
            #expect(HTTPDate.timestamp(text) == nil, "\(text)")
        }
    }

    @Test("Whatever the headers, no wait is longer than an hour", arguments: 0..<5)
    func fuzz(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let texts = ["Sun, 06 Nov 2094 08:49:37 GMT", "1h2m3s", "2099-01-15T08:00:30Z", "120", "99999999999999999999"]
        for _ in SeededGenerator.rounds(300) {
            let bytes = generator.mutated(Array((texts.randomElement(using: &generator) ?? "").utf8))
            let text = String(decoding: bytes, as: UTF8.self)
            let given = reply([
                ("retry-after", text), ("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", text),
            ])
            for wait in [RetryAfter.wait(given, at: now), RetryAfter.exhaustion(given, at: now)].compactMap({ $0 }) {
                #expect(wait >= .zero && wait <= RetryAfter.maximum)
            }
        }
    }
}
