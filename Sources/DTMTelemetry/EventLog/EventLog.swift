public import DTMCore
import Glibc
import Synchronization

/// The log on disk: one JSON object a line with names of the Elastic Common Schema, rotated by size.
///
/// Construct one for the control process, give it to the swift-log handlers, and record events from anywhere; there is
/// nothing to stop. A line is written by its caller under a lock. That keeps the order of events, and an event that was
/// recorded is in the file even when the process dies at the next instruction; a queue with a thread of its own would
/// give up both. It costs the caller one `write(2)` into the page cache, a few microseconds. A disk that hangs can hold
/// up control that long, and never the data plane, which does not write logs: tunnels serve and rotate on.
///
/// A failure to write never reaches the caller: lines are counted as lost, the first failure and the recovery are
/// reported, and the recovery leaves a line of kind `log.gap`.
public final class EventLog: Sendable {
    /// Where and how much.
    public struct Settings: Hashable, Sendable {
        /// The directory, made with mode 0700 when it is missing; its parent must exist.
        public var directory: String
        /// Less severe events are left out.
        public var level: Severity
        /// A file that would grow beyond this many bytes is put aside.
        public var maximumFileBytes: UInt64
        /// How many files are kept aside.
        public var keptFiles: Int

        public init(directory: String, level: Severity = .info, maximumFileBytes: UInt64 = 10 << 20, keptFiles: Int = 5)
        {
            self.directory = directory
            self.level = level
            self.maximumFileBytes = maximumFileBytes
            self.keptFiles = keptFiles
        }
    }

    private struct State: ~Copyable {
        var level: Severity
        var writer: LogWriter
        /// Lines lost since writing last worked.
        var lost: UInt64 = 0
        var lostInAll: UInt64 = 0
    }

    /// The least that a file may hold: a line of the greatest length.
    public static let minimumFileBytes = UInt64(JSONLine.maximumBytes)

    /// The file that is written to.
    public let path: String
    private let pid: Int32
    private let clock: any TimeSource
    private let report: @Sendable (String) -> Void
    private let state: Mutex<State>

    /// Opens the log.
    ///
    /// - Parameters:
    ///   - clock: For lines that are not events.
    ///   - report: Gets a sentence when writing fails for the first time and when it works again; called by whoever
    /// records.
    /// - Throws: ``TelemetryError`` when the directory or the file can't be had, is another user's, or can be written
    ///   by others.
    public convenience init(
        settings: Settings, clock: any TimeSource = AnchoredClock(), report: @escaping @Sendable (String) -> Void
    ) throws(TelemetryError) {
        try self.init(settings: settings, clock: clock, calls: .libc, report: report)
    }

    init(
        settings: Settings, clock: any TimeSource, calls: LogSystemCalls, report: @escaping @Sendable (String) -> Void
    ) throws(TelemetryError) {
        try LogDirectory.prepare(settings.directory)
        path = "\(settings.directory)/dtm.json"
        pid = getpid()
        self.clock = clock
        self.report = report
        let writer: LogWriter
        do {
            writer = try LogWriter(
                path: path, maximumFileBytes: max(Self.minimumFileBytes, settings.maximumFileBytes),
                keptFiles: max(0, settings.keptFiles), calls: calls)
        } catch {
            throw .file(path, "\(error)")
        }
        state = Mutex(State(level: settings.level, writer: writer))
    }

    /// Writes an event, unless its severity is below the level.
    public func record(_ event: Event) {
        guard isLogged(event.severity) else { return }
        write(ElasticCommonSchema.line(event, pid: pid))
    }

    /// Whether a line of this severity would be written.
    public func isLogged(_ severity: Severity) -> Bool { severity >= level }

    /// Less severe events are left out.
    public var level: Severity { state.withLock { $0.level } }

    /// How many lines could not be written since the log was opened.
    public var lostLines: UInt64 { state.withLock { $0.lostInAll } }

    /// Makes new settings true, as after a reload. The directory stays what it was.
    public func apply(_ settings: Settings) {
        state.withLock { state in
            state.level = settings.level
            state.writer.maximumFileBytes = max(Self.minimumFileBytes, settings.maximumFileBytes)
            state.writer.keptFiles = max(0, settings.keptFiles)
        }
    }

    /// Opens the file anew by its name, as after a program for rotating logs moved it away.
    public func reopen() {
        let failure = state.withLock { state -> LogSystemCalls.Failure? in
            do throws(LogSystemCalls.Failure) { try state.writer.reopen() } catch { return error }
            return nil
        }
        if let failure { report("the log \(path) can't be opened anew: \(failure)") }
    }

    /// A line of swift-log.
    func record(message: String, severity: Severity, fields: [(String, DetailValue)]) {
        guard isLogged(severity) else { return }
        var line = ElasticCommonSchema.start(time: clock.now(), level: severity, message: message, pid: pid)
        for (key, value) in fields { line.add(key, value) }
        write(line.finished())
    }

    private func write(_ line: [UInt8]) {
        // Reported outside the lock: whoever gets the sentence may log.
        let sentence = state.withLock { state in append(line, &state) }
        if let sentence { report(sentence) }
    }

    private func append(_ line: [UInt8], _ state: inout State) -> String? {
        do throws(LogSystemCalls.Failure) {
            if state.lost > 0 { try state.writer.append(gapLine(state.lost)) }
            let lost = state.lost
            state.lost = 0
            try state.writer.append(line)
            return lost > 0 ? "the log \(path) is written again; \(lost) lines were lost" : nil
        } catch {
            state.lost += 1
            state.lostInAll += 1
            guard state.lost == 1 else { return nil }
            return "the log \(path) can't be written: \(error); everything else goes on, lost lines are counted"
        }
    }

    private func gapLine(_ lost: UInt64) -> [UInt8] {
        let event = Event(
            time: clock.now(), kind: Event.Kind.logGap, severity: .warning,
            detail: ["lost": .integer(Int64(clamping: lost))])
        return ElasticCommonSchema.line(event, pid: pid)
    }
}
