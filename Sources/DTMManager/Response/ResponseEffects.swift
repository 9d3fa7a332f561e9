import DTMCore
import DTMPlan
import DTMResponse

/// Carries out what the ladder orders.
protocol ResponseEffects: Sendable {
    /// Moves a tunnel's endpoint now.
    func rotate(_ tunnel: String) async throws(ManagerError)
    /// Makes it so that these tunnels, and no others, have more decoys than usual.
    func raiseDecoys(of tunnels: Set<String>) async
    /// Makes it so that these, and no others, are kept out and slowed down.
    func cutOff(quarantined: Set<ResponseSubject>, throttled: Set<ResponseSubject>) async
    /// Revokes an identity, or all those of a program. For good.
    func revoke(_ subject: ResponseSubject) async throws(ManagerError)
    /// Asks an application to end.
    ///
    /// - Returns: Its processes, which are to be ended by force if they are still there after a while.
    func stop(_ subject: ResponseSubject, sparing protected: ProtectedSubjects) async throws(ManagerError)
        -> [StoppedProcess]
    /// Ends by force those that are still there.
    func end(_ processes: [StoppedProcess]) async
    /// How many applications there are; nil when that can't be told.
    func applicationCount() async -> Int?
}

/// A process that was asked to end: with its start, since numbers are used again.
struct StoppedProcess: Hashable, Sendable {
    var pid: Int32
    var startTicks: UInt64
}

/// Raises and lowers the number of a tunnel's decoys.
protocol DecoyRaising: Sendable {
    /// - Parameter count: How many there are to be; nil for as many as usual.
    func setDecoys(_ count: Int?, of tunnel: TunnelID) async
}

extension TunnelRegistry: DecoyRaising {}
