import DTMCore
@testable import DTMTelemetry
import Glibc
import Logging
import Testing

@Suite("The log on disk")
struct EventLogTests {
    private let directory: TemporaryDirectory
    private let reports = Reports()

    init() throws { directory = try TemporaryDirectory() }

    private func log(level: Severity = .info, bytes: UInt64 = 1 << 20, kept: Int = 3) throws -> EventLog {
        try EventLog(
            settings: .init(
                directory: "\(directory.path)/logs", level: level, maximumFileBytes: bytes, keptFiles: kept),
            report: reports.sink)
    }

    @Test("Events go in, one a line, into a file for the owner alone")
    func writes() throws {
        let log = try log()
        log.record(.sample(1))
        log.record(.sample(2))
        let objects = try directory.objects("logs/dtm.json")
        #expect(objects.map { $0["dtm.detail.number"] } == [1, 2])
        #expect(directory.mode("logs") == 0o700)
        #expect(directory.mode("logs/dtm.json") == 0o600)
        #expect(reports.sentences.isEmpty)
    }

    @Test("Events below the level are left out, until the level is changed")
    func level() throws {
        let log = try log(level: .warning)
        log.record(.sample(1))
        log.record(.sample(2, severity: .error))
        log.apply(.init(directory: "ignored", level: .debug))
        log.record(.sample(3, severity: .debug))
        #expect(try directory.objects("logs/dtm.json").map { $0["dtm.detail.number"] } == [2, 3])
    }

    @Test("A full file is put aside, whole lines in each, and the oldest goes")
    func rotation() throws {
        let log = try log(bytes: 1, kept: 2)
        let padding = DetailValue.string(String(repeating: "x", count: 4_000))
        for number in 0..<60 {
            var event = Event.sample(Int64(number))
            for key in 0..<4 { event.detail["padding\(key)"] = padding }
            log.record(event)
        }
        let files = ["logs/dtm.json.2", "logs/dtm.json.1", "logs/dtm.json"]
        let numbers = try files.map { try directory.objects($0).compactMap { $0["dtm.detail.number"] } }
        #expect(numbers.allSatisfy { !$0.isEmpty })
        let all = numbers.flatMap { $0 }
        #expect(all == (0..<60).suffix(all.count).map { .integer(Int64($0)) })
        #expect(files.allSatisfy { directory.bytes($0).count <= Int(EventLog.minimumFileBytes) })
        #expect(files.allSatisfy { directory.mode($0) == 0o600 })
        #expect(directory.mode("logs/dtm.json.3") == nil)
    }

    @Test("With no files kept, a full one is thrown away")
    func nothingKept() throws {
        let log = try log(bytes: 1, kept: 0)
        var event = Event.sample()
        event.detail["padding"] = .string(String(repeating: "x", count: 4_000))
        for _ in 0..<40 { log.record(event) }
        #expect(directory.mode("logs/dtm.json.1") == nil)
        #expect(directory.bytes("logs/dtm.json").count <= Int(EventLog.minimumFileBytes))
    }

    @Test("A log that was there is continued, and a torn last line is ended")
    func continued() throws {
        try log().record(.sample(1))
        let descriptor = open("\(directory.path)/logs/dtm.json", O_WRONLY | O_APPEND)
        write(descriptor, "{\"torn\":", 8)
        close(descriptor)
        try log().record(.sample(2))
        let lines = directory.lines("logs/dtm.json")
        #expect(lines.count == 3)
        #expect(lines[1] == Array("{\"torn\":".utf8))
    }

    @Test("A symbolic link in place of the log is not followed")
    func symbolicLink() throws {
        mkdir("\(directory.path)/logs", 0o700)
        symlink("\(directory.path)/victim", "\(directory.path)/logs/dtm.json")
        let error = #expect(throws: TelemetryError.self) { try log() }
        #expect(error?.code == .file)
        #expect(directory.mode("victim") == nil)
    }

    @Test("A FIFO, a directory or a second name of another file in place of the log is refused")
    func notOrdinary() throws {
        let path = "\(directory.path)/logs/dtm.json"
        mkdir("\(directory.path)/logs", 0o700)
        mkfifo(path, 0o600)
        #expect(throws: TelemetryError.self) { try log() }
        unlink(path)
        mkdir(path, 0o700)
        #expect(throws: TelemetryError.self) { try log() }
        rmdir(path)
        close(open("\(directory.path)/other", O_CREAT | O_WRONLY, 0o600))
        link("\(directory.path)/other", path)
        #expect(throws: TelemetryError.self) { try log() }
    }

    @Test("A directory that others may write to, or that is none, is refused")
    func directoryRefused() throws {
        mkdir("\(directory.path)/logs", 0o700)
        chmod("\(directory.path)/logs", 0o777)
        let error = #expect(throws: TelemetryError.self) { try log() }
        #expect(error?.code == .directory)
        #expect(error?.message.contains("others may write") == true)
        rmdir("\(directory.path)/logs")
        symlink("/tmp", "\(directory.path)/logs")
        #expect(throws: TelemetryError.self) { try log() }
        let missing = EventLog.Settings(directory: "\(directory.path)/a/b")
        #expect(throws: TelemetryError.self) { try EventLog(settings: missing, report: { _ in }) }
    }

    @Test("After the file was moved away, reopening begins a new one")
    func reopen() throws {
        let log = try log()
        log.record(.sample(1))
        rename("\(directory.path)/logs/dtm.json", "\(directory.path)/logs/moved")
        log.reopen()
        log.record(.sample(2))
        #expect(directory.lines("logs/moved").count == 1)
        #expect(directory.lines("logs/dtm.json").count == 1)
    }

    @Test("Lines from many threads never mix")
    func concurrent() async throws {
        let log = try log(bytes: 1, kept: 1_000)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<500 { log.record(.sample(Int64(task * 1_000 + number))) }
                }
            }
        }
        let names = ["logs/dtm.json"] + (1..<1_000).map { "logs/dtm.json.\($0)" }.filter { directory.mode($0) != nil }
        let numbers = try names.flatMap { try directory.objects($0) }.compactMap { $0["dtm.detail.number"] }
        #expect(numbers.count == 4_000)
        #expect(Set(numbers).count == 4_000)
    }

    @Test("swift-log's lines carry label and metadata, and respect both levels")
    func handler() throws {
        let log = try log(level: .info)
        var logger = Logger(label: "dtm.test") { EventLogHandler(label: $0, log: log, level: .trace) }
        logger[metadataKey: "request"] = "r1"
        logger.warning("half\nline", metadata: ["peer": "\u{1b}[31m"])
        logger.debug("below the log's level")
        logger.logLevel = .error
        logger.warning("below the logger's level")
        let objects = try directory.objects("logs/dtm.json")
        #expect(objects.count == 1)
        #expect(objects[0]["message"] == "half\nline")
        #expect(objects[0]["log.level"] == "warning")
        #expect(objects[0]["log.logger"] == "dtm.test")
        #expect(objects[0]["labels.request"] == "r1")
        #expect(objects[0]["labels.peer"] == "\u{1b}[31m")
    }

    @Test("Descriptors don't pile up over rotations and refusals")
    func descriptors() throws {
        let before = openDescriptors()
        do {
            let log = try log(bytes: 1, kept: 1)
            var event = Event.sample()
            event.detail["padding"] = .string(String(repeating: "x", count: 4_000))
            for _ in 0..<200 { log.record(event) }
            unlink("\(directory.path)/logs/dtm.json")
            mkfifo("\(directory.path)/logs/dtm.json", 0o600)
            for _ in 0..<20 { #expect(throws: TelemetryError.self) { try self.log() } }
        }
        #expect(openDescriptors() == before)
    }

    /// Those of this test's own directory: other tests run at the same time.
    private func openDescriptors() -> Int {
        (0..<1_024).count { descriptor in
            var buffer = [CChar](repeating: 0, count: 4_096)
            let count = readlink("/proc/self/fd/\(descriptor)", &buffer, buffer.count)
            guard count > 0 else { return false }
            let target = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
            return target.hasPrefix(directory.path)
        }
    }
}
