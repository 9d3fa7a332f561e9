import DTMCore
public import Logging

/// Sends what libraries and services log through swift-log to an ``EventLog``.
///
/// A line holds the logger's label as `log.logger` and the metadata as `labels.*`. The log's own level applies besides
/// the handler's.
public struct EventLogHandler: LogHandler {
    private let label: String
    private let log: EventLog
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level

    public init(
        label: String, log: EventLog, level: Logger.Level = .info, metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.label = label
        self.log = log
        self.metadataProvider = metadataProvider
        logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let severity = Severity(event.level)
        guard log.isLogged(severity) else { return }
        var labels = metadata
        labels.merge(metadataProvider?.get() ?? [:]) { $1 }
        labels.merge(event.metadata ?? [:]) { $1 }
        var fields: [(String, DetailValue)] = [("log.logger", .string(label))]
        if let error = event.error { fields.append(("error.message", .string("\(error)"))) }
        fields += labels.sorted { $0.key < $1.key }.map { ("labels.\($0.key)", .string("\($0.value)")) }
        log.record(message: "\(event.message)", severity: severity, fields: fields)
    }
}

extension Severity {
    /// swift-log's levels; its finest two are one here.
    init(_ level: Logger.Level) {
        switch level {
        case .trace, .debug: self = .debug
        case .info: self = .info
        case .notice: self = .notice
        case .warning: self = .warning
        case .error: self = .error
        case .critical: self = .critical
        }
    }
}
