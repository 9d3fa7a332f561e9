public import DTMCore
import Synchronization

/// The log on disk: one JSON object a line with names of the Elastic Common Schema, rotated by size.
public final class EventLog: Sendable {
    /// Where and how much.
    public struct Settings: Hashable, Sendable {
        /// The directory, made with mode 0700 when it is missing.
        public var directory: String
        /// Less severe events are left out.
        public var level: Severity
        /// A file that would grow beyond this many bytes is put aside.
        public var maximumFileBytes: UInt64
        /// How many files are kept aside.
        public var keptFiles: Int

        public init(directory: String, level: Severity = .info, maximumFileBytes: UInt64 = 10 << 20, keptFiles: Int = 5) {
            self.directory = directory
            self.level = level
            self.maximumFileBytes = maximumFileBytes
            self.keptFiles = keptFiles
        }
    }

    public init(settings: Settings, report: @escaping @Sendable (String) -> Void) throws(TelemetryError) {}

    /// Writes an event, unless its severity is below the level.
    public func record(_ event: Event) {}
}
