import DTMConfiguration
import Synchronization

/// Whether applications and tunnels are analysed: what somebody said since the start, and otherwise the configuration.
final class AnalysisSwitch: Sendable {
    private let said = Mutex<Bool?>(nil)

    func isOn(_ configuration: Configuration) -> Bool { said.withLock { $0 } ?? configuration.analysis.enabled }

    /// Until the manager ends, whatever the configuration says.
    func set(_ isOn: Bool) { said.withLock { $0 = isOn } }
}
