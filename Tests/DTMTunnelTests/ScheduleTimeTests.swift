import DTMCore
import Testing

@Suite("Epochs and windows")
struct ScheduleTimeTests {
    @Test(
        "An epoch begins at its start and ends a nanosecond before the next",
        arguments: [200, 10_000, 86_400_000, UInt32.max])
    func borders(interval: UInt32) {
        for epoch in [1, 2, 1_000] as [UInt64] {
            let start = ScheduleTime.start(ofEpoch: epoch, intervalMilliseconds: interval)
            #expect(ScheduleTime.epoch(at: start, intervalMilliseconds: interval) == epoch)
            #expect(ScheduleTime.epoch(at: start - .nanoseconds(1), intervalMilliseconds: interval) == epoch - 1)
        }
    }

    @Test("Times before 1970 and beyond the range of a timestamp do not overflow")
    func extremes() {
        #expect(ScheduleTime.epoch(at: Timestamp(nanoseconds: .min), intervalMilliseconds: 200) == 0)
        #expect(ScheduleTime.start(ofEpoch: .max, intervalMilliseconds: 200).nanoseconds == .max)
        #expect(ScheduleTime.epoch(at: Timestamp(seconds: 5), intervalMilliseconds: 0) == 5_000)
        #expect(ScheduleWindow.index(of: .max, intervalMilliseconds: .max) == .max)
        #expect(ScheduleWindow.index(of: .max, intervalMilliseconds: 0) == 0)
    }

    @Test("The keys that are needed are those of the current epoch and of the next window that comes")
    func needed() {
        let before = ScheduleWindow.needed(at: Timestamp(seconds: 3_599), intervalMilliseconds: 10_000)
        #expect(before == (0, 1))
        let after = ScheduleWindow.needed(at: Timestamp(seconds: 3_600), intervalMilliseconds: 10_000)
        #expect(after == (1, 2))
        // An epoch of a day keeps the key of the hour in which it began, and the next one begins 24 windows later.
        let day = ScheduleWindow.needed(at: Timestamp(seconds: 100_000), intervalMilliseconds: 86_400_000)
        #expect(day == (24, 48))
    }
}
