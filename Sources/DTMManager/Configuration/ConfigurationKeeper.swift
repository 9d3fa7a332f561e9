import DTMAPI
import DTMConfiguration
import DTMCore
import DTMPolicy
import DTMTelemetry

/// Where configurations come from.
protocol ConfigurationReading: Sendable {
    /// Reads the file that is in force.
    ///
    /// - Parameter receivingKey: lent `openai_api_key`, when there is one.
    /// - Throws: A `DescribedError` that names all problems.
    func load(
        after previous: LoadedConfiguration?, receivingKey: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> LoadedConfiguration
}

/// The files.
struct ConfigurationFiles: ConfigurationReading {
    let loader: ConfigurationLoader

    func load(
        after previous: LoadedConfiguration?, receivingKey: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> LoadedConfiguration {
        try loader.load(after: previous, receivingKey: receivingKey)
    }
}

/// The configuration in force, and how another one takes its place: all of it or nothing.
actor ConfigurationKeeper {
    private(set) var current: LoadedConfiguration
    private let source: any ConfigurationReading
    private let reservedPorts: ReservedPorts
    private let registry: TunnelRegistry
    private let recorder: EventRecorder
    private let logDirectory: String
    private let providerKey: ProviderKeyHolder
    private var isReloading = false
    /// Notified after each reload.
    nonisolated let changes = Signal()

    init(
        current: LoadedConfiguration, source: any ConfigurationReading, reservedPorts: ReservedPorts,
        registry: TunnelRegistry, recorder: EventRecorder, logDirectory: String,
        providerKey: ProviderKeyHolder = ProviderKeyHolder()
    ) {
        self.providerKey = providerKey
        self.logDirectory = logDirectory
        self.current = current
        self.source = source
        self.reservedPorts = reservedPorts
        self.registry = registry
        self.recorder = recorder
    }

    /// Makes the tunnels of the configuration in force true; for the start.
    func applyAtStart() async throws(ManagerError) { try await apply(current.configuration) }

    /// Reads the file and changes nothing.
    ///
    /// - Returns: what a reload would change, a line for each; the warnings about the file.
    /// - Throws: what a reload would be refused for.
    func preview() throws -> (path: String?, changes: [String], warnings: [String]) {
        let loaded = try source.load(after: current) { _ in }
        let change = ConfigurationChange.diff(from: current.configuration, to: loaded.configuration)
        return (loaded.path, change.changes.map(\.description), loaded.warnings)
    }

    /// Reads the file again and makes it true.
    ///
    /// - Throws: `configuration.refused` with all that is wrong with it; nothing has changed then.
    func reload() async throws(ManagerError) -> ReloadAnswer {
        guard !isReloading else {
            throw ManagerError(.configurationRefused, "a reload is under way already", hint: "wait for it")
        }
        isReloading = true
        defer { isReloading = false }
        do {
            let lent = LentKey()
            let loaded = try source.load(after: current, receivingKey: lent.take)
            let change = ConfigurationChange.diff(from: current.configuration, to: loaded.configuration)
            try await apply(loaded.configuration)
            let isNew = !current.configuration.openAIKeyPresent
            current = loaded
            providerKey.take(lent.key)
            if isNew { tellOfKey() }
            takeEffect(loaded, change)
            changes.notify()
            return ReloadAnswer(
                configuration: loaded.path, changes: change.changes.map(\.description),
                needsRestart: change.needsRestart.map(\.description))
        } catch {
            throw refused(error)
        }
    }

    /// Says that a key stands in the configuration's file, if it does.
    func tellOfKey() {
        guard current.configuration.openAIKeyPresent else { return }
        recorder.record(
            Event.Kind.modelKeyInFile, .warning,
            [
                "configuration": .string(current.path ?? ""),
                "effect": "whoever can read the file, or a copy of it, has the provider's key",
                "hint": "put the key into a file of its own (analysis.models[].keyFile) or a credential of systemd's",
            ])
    }

    /// Names are left to ``NameRefresh``: a slow name server must not hold up the other tunnels.
    private func apply(_ configuration: Configuration) async throws(ManagerError) {
        var drafts: [TunnelDraft] = []
        for tunnel in configuration.tunnels { drafts.append(try Self.draft(tunnel)) }
        try await registry.apply(
            drafts, defaults: TunnelDefaults(configuration: configuration, reservedPorts: reservedPorts))
    }

    private static func draft(_ tunnel: TunnelConfiguration) throws(ManagerError) -> TunnelDraft {
        do {
            return TunnelDraft(
                configuration: tunnel, policy: try AdmissionPolicy(rules: tunnel.allow), origin: .configuration)
        } catch {
            throw ManagerError(
                .configurationRefused, "tunnels[] \(tunnel.name): allow: \(error.message)", hint: error.hint)
        }
    }

    private func takeEffect(_ loaded: LoadedConfiguration, _ change: ConfigurationChange) {
        recorder.log?.apply(loaded.configuration.logging.settings(directory: logDirectory))
        recorder.record(
            Event.Kind.configurationReloaded, change.weakenings.isEmpty ? .notice : .warning,
            [
                "configuration": .string(loaded.path ?? "defaults"),
                "changes": .list(change.changes.map(\.description)),
                "needsRestart": .list(change.needsRestart.map(\.keyPath)),
                "weakenings": .list(change.weakenings.map(\.keyPath)), "warnings": .list(loaded.warnings),
            ])
    }

    private func refused(_ error: any Error) -> ManagerError {
        let described = error as? any DescribedError
        let message = described?.message ?? "\(error)"
        recorder.record(Event.Kind.configurationRefused, .error, ["problems": .string(message)])
        return ManagerError(
            .configurationRefused, message, hint: described?.hint ?? "correct the file; the one in force is unchanged")
    }
}

extension LoggingSettings {
    func settings(directory: String) -> EventLog.Settings {
        EventLog.Settings(
            directory: directory, level: level, maximumFileBytes: UInt64(maximumFileBytes), keptFiles: keptFiles)
    }
}
