import CDTMLinux
import Glibc
import Synchronization

/// How well this process's secrets are protected in memory.
public enum MemoryProtection {
    /// What kind of memory holds the master key and whatever is unsealed for the moment.
    public enum Backing: String, Sendable, Hashable, CaseIterable {
        /// `memfd_secret(2)`: not mapped in the kernel, so that neither a dump of it nor `/proc/PID/mem` has it.
        case secret
        /// `mlock(2)`, left out of core dumps and of children: never swapped, but root, and a dump of the kernel, can
        /// read it.
        case locked

        var kind: Int32 { self == .secret ? DTM_MEMORY_SECRET : DTM_MEMORY_LOCKED }
    }

    /// What to do when the best is not to be had (`memory.protection`).
    public enum Policy: String, Sendable, Hashable, CaseIterable {
        /// ``Backing/secret`` or nothing: the process does not start.
        case require
        /// ``Backing/secret`` if the kernel gives it, else ``Backing/locked``. Never memory that is not locked.
        case prefer

        var backings: [Backing] { self == .require ? [.secret] : [.secret, .locked] }
    }

    /// What is in force.
    public struct Status: Sendable, Hashable {
        public var backing: Backing
        /// Why it is not ``Backing/secret``, an errno of the kernel; 0 when it is.
        public var refusalCode: Int32
        /// Of the master key and the slots, in bytes.
        public var arenaBytes: Int
        /// How many secrets can be unsealed at the same moment.
        public var slots: Int
        /// Secrets that have protected memory of their own, for their length, in bytes.
        public var largeBytes: Int

        /// Why it is not ``Backing/secret``, in words; nil when it is.
        public var refusal: String? { MemoryProtection.refusal(backing, refusalCode) }

        /// What whoever runs the process should know of it; nil when all is as good as it can be.
        public var warning: String? { MemoryProtection.warning(backing, refusalCode) }
    }

    /// How much protected memory a process asks for, in bytes, and with how little it makes do. Pages that are larger
    /// than the latter make it one page.
    public static let wantedBytes = SecretVault.arenaBytes.most
    public static let leastBytes = SecretVault.arenaBytes.least

    /// Why a process has memory of a lesser kind, from the errno that it was told; nil for the best kind.
    public static func refusal(_ backing: Backing, _ code: Int32) -> String? {
        guard backing != .secret else { return nil }
        return "memfd_secret: \(code == 0 ? "not tried" : String(cString: strerror(code)))"
    }

    /// What whoever runs such a process should know; nil for the best kind.
    public static func warning(_ backing: Backing, _ code: Int32) -> String? {
        refusal(backing, code).map {
            "secrets are in locked memory, which root and a dump of the kernel can read: there is no secret memory (\($0))"
        }
    }

    /// Takes the memory and its master key. Call it at the start, before the first secret: the first to come settles
    /// it, by ``Policy/prefer`` when nobody did.
    ///
    /// - Throws: ``SecretsError`` when the policy can't be met, or something less was settled already.
    @discardableResult
    public static func begin(_ policy: Policy) throws(SecretsError) -> Status {
        let vault: SecretVault
        do throws(SecretsError) {
            vault = try SecretVault.shared(policy)
        } catch {
            throw policy == .require ? error.required : error
        }
        guard policy.backings.contains(vault.backing) else {
            throw .protectionMissing(of: "this process", vault.backing, SecretVault.refusal ?? 0)
        }
        return vault.status
    }

    /// What is in force; nil when no secret was held yet.
    public static var status: Status? { SecretVault.settled?.status }

    /// Looks whether the protections still hold, in `/proc/self/smaps` (`proc_pid_smaps(5)`).
    ///
    /// - Returns: What does not, each as a sentence; empty when all holds, nil when it can't be looked at.
    public static func violations() -> [String]? {
        guard let vault = SecretVault.settled else { return [] }
        return ProtectionCheck.violations(of: vault.ranges)
    }

    /// Overwrites every secret at exit and on signals that end the process by a fault.
    public static func wipeAtEnd() { _ = dtm_wipe_on_fatal_signals() }
}
