import DTMCore
@testable import DTMTelemetry
import Glibc
import Synchronization
import Testing

@Suite("The log when the disk fails")
struct EventLogFailureTests {
    /// Says which calls fail from now on.
    private final class Faults: Sendable {
        struct Plan {
            var write: Int32?
            /// How many bytes the next write takes before the disk is full.
            var room: Int?
            var truncate: Int32?
            var rename: Int32?
            var open: Int32?
            var interruptions = 0
        }
        let plan = Mutex(Plan())
    }

    private let directory: TemporaryDirectory
    private let reports = Reports()
    private let faults = Faults()

    init() throws { directory = try TemporaryDirectory() }

    private func log(bytes: UInt64 = 1 << 20) throws -> EventLog {
        try EventLog(
            settings: .init(directory: "\(directory.path)/logs", maximumFileBytes: bytes, keptFiles: 2),
            clock: WallClock(), calls: failingCalls(), report: reports.sink)
    }

    private func failingCalls() -> LogSystemCalls {
        typealias Failure = LogSystemCalls.Failure
        var calls = LogSystemCalls.libc
        let faults = faults
        calls.open = { path throws(Failure) in
            if let code = faults.plan.withLock({ $0.open }) { throw Failure(code: code) }
            return try LogSystemCalls.libc.open(path)
        }
        calls.write = { descriptor, bytes throws(Failure) in
            let (code, room) = faults.plan.withLock { plan -> (Int32?, Int?) in
                if plan.interruptions > 0 {
                    plan.interruptions -= 1
                    return (EINTR, nil)
                }
                defer { plan.room = nil }
                return (plan.room == nil ? plan.write : nil, plan.room)
            }
            if let code { throw Failure(code: code) }
            let taken = UnsafeRawBufferPointer(rebasing: bytes.prefix(room ?? bytes.count))
            return try LogSystemCalls.libc.write(descriptor, taken)
        }
        calls.truncate = { descriptor, size throws(Failure) in
            if let code = faults.plan.withLock({ $0.truncate }) { throw Failure(code: code) }
            try LogSystemCalls.libc.truncate(descriptor, size)
        }
        calls.rename = { old, new throws(Failure) in
            if let code = faults.plan.withLock({ $0.rename }) { throw Failure(code: code) }
            try LogSystemCalls.libc.rename(old, new)
        }
        return calls
    }

    @Test("A full disk is reported once, counted, and told in the log when there is room again")
    func fullDisk() throws {
        let log = try log()
        log.record(.sample(1))
        faults.plan.withLock { $0.write = ENOSPC }
        for number in 2...4 { log.record(.sample(Int64(number))) }
        #expect(reports.sentences.count == 1)
        #expect(reports.sentences.first?.contains("No space left on device") == true)
        faults.plan.withLock { $0.write = nil }
        log.record(.sample(5))
        let objects = try directory.objects("logs/dtm.json")
        #expect(objects.map { $0["event.action"] } == ["tunnel.rotated", "log.gap", "tunnel.rotated"])
        #expect(objects[1]["dtm.detail.lost"] == 3)
        #expect(log.lostLines == 3)
        #expect(reports.sentences.count == 2)
        #expect(reports.sentences.last?.contains("3 lines were lost") == true)
    }

    @Test("A line that the full disk cut is taken back")
    func partialWrite() throws {
        let log = try log()
        log.record(.sample(1))
        faults.plan.withLock { ($0.write, $0.room) = (ENOSPC, 30) }
        log.record(.sample(2))
        #expect(directory.bytes("logs/dtm.json").last == UInt8(ascii: "\n"))
        faults.plan.withLock { $0.write = nil }
        log.record(.sample(3))
        #expect(try directory.objects("logs/dtm.json").count == 3)
    }

    @Test("A cut line that can't even be taken back is ended, and the next line stands alone")
    func cutForGood() throws {
        let log = try log()
        faults.plan.withLock { ($0.write, $0.room, $0.truncate) = (EIO, 30, EIO) }
        log.record(.sample(1))
        faults.plan.withLock { $0 = .init() }
        log.record(.sample(2))
        let lines = directory.lines("logs/dtm.json")
        #expect(lines.map(\.count).first == 30)
        #expect(lines.count == 3)
    }

    @Test("Short and interrupted writes are finished")
    func shortWrites() throws {
        let log = try log()
        faults.plan.withLock { ($0.room, $0.interruptions) = (10, 2) }
        log.record(.sample(1))
        #expect(try directory.objects("logs/dtm.json").count == 1)
        #expect(reports.sentences.isEmpty)
    }

    @Test("When files can't be renamed, the log goes on in the one it has")
    func renameFails() throws {
        let log = try log(bytes: 1)
        faults.plan.withLock { $0.rename = EROFS }
        var event = Event.sample()
        event.detail["padding"] = .string(String(repeating: "x", count: 4_000))
        for _ in 0..<30 { log.record(event) }
        #expect(directory.lines("logs/dtm.json").count == 30)
        #expect(log.lostLines == 0)
        faults.plan.withLock { $0.rename = nil }
        for _ in 0..<30 { log.record(event) }
        #expect(directory.mode("logs/dtm.json.1") == 0o600)
    }

    @Test("When a new file can't be opened, lines are lost until it can")
    func openFails() throws {
        let log = try log()
        faults.plan.withLock { $0.open = EMFILE }
        log.reopen()
        log.record(.sample(1))
        #expect(reports.sentences.count == 2)
        faults.plan.withLock { $0.open = nil }
        log.record(.sample(2))
        #expect(try directory.objects("logs/dtm.json").map { $0["event.action"] } == ["log.gap", "tunnel.rotated"])
    }

    /// Breaks the circle between the log and the one who gets its reports.
    private final class Holder: Sendable {
        let log = Mutex<EventLog?>(nil)
        func record() { log.withLock { $0 }?.record(.sample(9)) }
    }

    @Test("Whoever gets the report may log")
    func reportMayLog() throws {
        let holder = Holder()
        let log = try EventLog(
            settings: .init(directory: "\(directory.path)/logs"), clock: WallClock(), calls: failingCalls(),
            report: { _ in holder.record() })
        holder.log.withLock { $0 = log }
        faults.plan.withLock { $0.write = EIO }
        log.record(.sample(1))
        #expect(log.lostLines == 2)
        holder.log.withLock { $0 = nil }
    }
}
