import DTMConfiguration
import DTMCore
import Synchronization

/// Holds a configuration against the one that an operator accepted: one that protects less is a finding until it is
/// accepted. With a sealed state alone, for whoever can write the file could write an ephemeral acceptance too.
final class ConfigurationAcceptance: Sendable {
    private let open = Mutex<[String]>([])
    private let recorder: EventRecorder

    init(recorder: EventRecorder) { self.recorder = recorder }

    /// In which respects the configuration in force protects less than the accepted one; a line each.
    var weakenings: [String] { open.withLock { $0 } }

    /// Looks at the configuration in force. One that weakens nothing is accepted by that.
    func look(at configuration: Configuration, in state: StateKeeper) async {
        let weakenings = Self.weakenings(from: await state.acceptedConfiguration, to: configuration)
        let known = open.withLock { open in
            defer { open = weakenings }
            return open
        }
        guard !weakenings.isEmpty else { return await state.accept(configuration.renderJSON(masked: false)) }
        guard weakenings != known else { return }
        recorder.record(
            Event.Kind.configurationWeakened, .warning,
            ["weakenings": .list(weakenings), "hint": "correct the file, or say that it is meant: dtm config accept"])
    }

    /// - Returns: What was accepted.
    func accept(_ configuration: Configuration, in state: StateKeeper, by uid: UInt32) async -> [String] {
        let accepted = open.withLock { open in
            defer { open = [] }
            return open
        }
        await state.accept(configuration.renderJSON(masked: false))
        recorder.record(
            Event.Kind.configurationAccepted, .notice,
            ["weakenings": .list(accepted), "uid": .integer(Int64(uid))])
        return accepted
    }

    /// One that can't be read any more, for it is of another version, is no measure.
    static func weakenings(from accepted: String?, to configuration: Configuration) -> [String] {
        guard let accepted,
            let old = try? Configuration.parse(Array(accepted.utf8), source: "the accepted configuration")
        else { return [] }
        return ConfigurationChange.diff(from: old, to: configuration).weakenings.map(\.description)
    }
}
