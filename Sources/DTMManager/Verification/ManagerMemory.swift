import DTMCore
import DTMConfiguration
import DTMPlan
import DTMSecrets

/// How this manager keeps secrets in memory: what was asked for, and what control itself has.
struct ManagerMemory: Hashable, Sendable {
    var policy: MemoryProtection.Policy
    var control: MemoryReport

    init(policy: MemoryProtection.Policy, control: MemoryReport) {
        self.policy = policy
        self.control = control
    }

    /// Takes the memory; before the first secret.
    ///
    /// - Throws: `SecretsError` when the host does not give what is asked for, or lets nothing be locked at all.
    init(beginning protection: MemorySettings.Protection) throws(SecretsError) {
        let policy: MemoryProtection.Policy = protection == .require ? .require : .prefer
        self.init(policy: policy, control: MemoryReport(try MemoryProtection.begin(policy)))
    }

    /// - Throws: `SecretsError` when a data plane with such memory must not have secrets, or can't.
    func admit(_ dataPlane: MemoryReport) throws(SecretsError) {
        guard let backing = dataPlane.backing else {
            throw .nothingLocked(of: "the data plane", dataPlane.refusalCode)
        }
        guard policy == .require, backing != .secret else { return }
        throw .protectionMissing(of: "the data plane", backing, dataPlane.refusalCode)
    }

    /// What people should know when it starts; nil when all is as good as it can be.
    var warning: String? { control.warning }
}

extension EventRecorder {
    /// Says that a process has less than the best, if it is so.
    func recordReduction(_ memory: MemoryReport, of process: String, _ severity: Severity = .warning) {
        guard let refusal = memory.refusal else { return }
        record(
            Event.Kind.memoryProtectionReduced, severity,
            [
                "process": .string(process), "backing": .string(memory.name), "reason": .string(refusal),
                "effect": "root, and a dump of the kernel, can read the key under which secrets are sealed",
            ])
    }
}
