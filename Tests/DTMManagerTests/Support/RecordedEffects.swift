import DTMCore
import DTMResponse

@testable import DTMManager

/// What was ordered.
actor RecordedEffects: ResponseEffects {
    private(set) var rotated: [String] = []
    private(set) var decoys: Set<String> = []
    private(set) var quarantined: Set<ResponseSubject> = []
    private(set) var throttled: Set<ResponseSubject> = []
    private(set) var revoked: [ResponseSubject] = []
    private(set) var ended: [StoppedProcess] = []
    private(set) var spared: ProtectedSubjects?
    private var failure: ManagerError?

    func fail(_ error: ManagerError?) { failure = error }

    func rotate(_ tunnel: String) throws(ManagerError) {
        if let failure { throw failure }
        rotated.append(tunnel)
    }
    func raiseDecoys(of tunnels: Set<String>) { decoys = tunnels }
    func cutOff(quarantined: Set<ResponseSubject>, throttled: Set<ResponseSubject>) {
        (self.quarantined, self.throttled) = (quarantined, throttled)
    }
    func revoke(_ subject: ResponseSubject) { revoked.append(subject) }
    func stop(_ subject: ResponseSubject, sparing protected: ProtectedSubjects) -> [StoppedProcess] {
        spared = protected
        return [StoppedProcess(pid: 2_000_000_000, startTicks: 7)]
    }
    func end(_ processes: [StoppedProcess]) { ended += processes }
    func applicationCount() -> Int? { 30 }
}
