import DTMTestSupport
import DTMCore
import Testing

@Suite struct TimestampTests {
    @Test(
        "A moment is written as date(1) writes it",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_795_489_390, "2026-11-24T03:03:10.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.000Z"),
        ] as [(Int64, String)])
    func writesKnownMoments(seconds: Int64, text: String) {
        #expect(Timestamp(seconds: seconds).rfc3339 == text)
    }

    @Test("The last and the first moment can be written")
    func writesExtremes() {
        #expect(Timestamp(nanoseconds: .max).rfc3339 == "2262-04-11T23:47:16.854Z")
        #expect(Timestamp(nanoseconds: .min).rfc3339 == "1677-09-21T00:12:43.145Z")
    }

    @Test("What is written is read back, to the millisecond")
    func roundTrip() {
        var generator = SeededGenerator(seed: 1)
        for _ in SeededGenerator.rounds(20_000) {
            let moment = Timestamp(milliseconds: .random(in: 0...9_214_646_400_000, using: &generator))
            #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
        }
    }

    @Test("A fraction has one to nine digits")
    func readsFractions() {
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:00.5Z")?.nanoseconds == 500_000_000)
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:00.000000001Z")?.nanoseconds == 1)
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:01Z")?.nanoseconds == 1_000_000_000)
    }

    @Test(
        "A text that is no moment is refused",
        arguments: [
            "", "Z", "2026-11-24", "2026-11-24T03:03:10", "2026-11-24T03:03:10+00:00", "2026-11-24T03:03:10.Z",
            "2026-11-24T03:03:10.0000000001Z", "2026-11-24T24:00:00Z", "2026-11-24T03:60:00Z", "2026-11-24T03:03:61Z",
            "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z", "2100-02-29T00:00:00Z", "1969-12-31T23:59:59Z", "2262-01-01T00:00:00Z",
            "2026-11-24 03:03:10Z", "２026-11-24T03:03:10Z", "2026-11-24T03:03:10Z ", "+026-11-24T03:03:10Z",
        ])
    func refuses(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("No text traps")
    func survivesRandomText() {
        var generator = SeededGenerator(seed: 2)
        for _ in SeededGenerator.rounds(20_000) {
            let text = generator.text(of: "0123456789-:TZ.+ é", lengths: 0...32)
            if let moment = Timestamp(rfc3339: text) { #expect(Timestamp(rfc3339: moment.rfc3339) != nil) }
        }
    }

    @Test("Rounding goes towards the past, also before 1970")
    func roundsDown() {
        #expect(Timestamp(nanoseconds: -1).milliseconds == -1)
        #expect(Timestamp(nanoseconds: -1_000_000).milliseconds == -1)
        #expect(Timestamp(nanoseconds: 1_999_999).milliseconds == 1)
        #expect(Timestamp(nanoseconds: -1).seconds == -1)
        #expect(Timestamp(nanoseconds: 1_999_999_999).seconds == 1)
    }

    @Test("A limit that is too far away never comes out as past")
    func clamps() {
        let now = Timestamp(seconds: 1_795_489_390)
        #expect(now + .seconds(Int64.max) == Timestamp(nanoseconds: .max))
        #expect(now - .seconds(Int64.min) == Timestamp(nanoseconds: .max))
        #expect(now - .seconds(Int64.max) < now)
        #expect(Timestamp(seconds: .max) == Timestamp(nanoseconds: .max))
        #expect(Timestamp(milliseconds: .min) == Timestamp(nanoseconds: .min))
        #expect(Timestamp(nanoseconds: .max) - Timestamp(nanoseconds: .min) > .seconds(18_446_744_073))
    }

    @Test("A duration is counted in whole units and clamped")
    func durations() {
        #expect(Duration.milliseconds(1_500).wholeNanoseconds == 1_500_000_000)
        #expect(Duration.milliseconds(-1_500).wholeMilliseconds == -1_500)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
        #expect(Duration.milliseconds(250).inSeconds == 0.25)
    }

    @Test("Every day of four centuries is the day after the one before")
    func calendar() {
        var previous = CivilDate(daysSinceEpoch: -1)
        #expect(previous == CivilDate(year: 1969, month: 12, day: 31))
        for day in Int64(0)..<146_097 {
            let date = CivilDate(daysSinceEpoch: day)
            let isNext = date.day == previous.day + 1 && date.month == previous.month && date.year == previous.year
            let isNewMonth = date.day == 1 && previous.day >= 28
            #expect(date.daysSinceEpoch == day && (isNext || isNewMonth))
            previous = date
        }
        #expect(previous == CivilDate(year: 2369, month: 12, day: 31))
    }
}

@Suite struct ClockTests {
    @Test("A steady clock agrees with the wall clock that it was anchored to, and never goes back")
    func anchored() {
        let clock = AnchoredClock()
        let first = clock.now()
        let second = clock.now()
        #expect(first <= second)
        #expect(first.seconds > 1_700_000_000)
    }

    @Test("Clocks with one anchor are one clock")
    func sameAnchor() {
        let anchor = ClockAnchor.current()
        let earlier = AnchoredClock(anchor: anchor).now()
        #expect(earlier <= AnchoredClock(anchor: ClockAnchor(offsetNanoseconds: anchor.offsetNanoseconds)).now())
    }
}
