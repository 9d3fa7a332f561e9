import CDTMLinux
import Glibc

/// A network for the attacks alone: a namespace with a loopback and nothing else (network_namespaces(7)), so that neither
/// the applications of this host nor another manager are within reach of them.
public struct OwnNetwork: Sendable {
    /// Whether this process could remain who it was and may still become another user.
    public let mayBecomeOthers: Bool

    /// Enters one. This process must have one thread; there is no way back.
    ///
    /// - Throws: ``RedteamError`` of code `network` where the kernel does not allow it.
    public static func enter() throws(RedteamError) -> Self {
        var mapped: CInt = 0
        let outcome = dtm_enter_own_network(&mapped)
        guard outcome == 0 else {
            throw RedteamError(
                .network,
                "no network namespace could be made for the attacks: \(String(cString: strerror(-outcome)))",
                hint: "run it as root, or allow unprivileged user namespaces (kernel.unprivileged_userns_clone, "
                    + "user.max_user_namespaces); or attack a tunnel of a running manager: dtm redteam --tunnel NAME")
        }
        return Self(mayBecomeOthers: geteuid() == 0 && mapped == 0)
    }
}
