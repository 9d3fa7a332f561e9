public import DTMCore

/// What one can be allowed to do on the control API.
public enum APIRight: String, Hashable, Sendable, CaseIterable {
    /// See what is one's own. Anyone may.
    case viewOwn
    /// Get an identity for a tunnel. The tunnel's policy decides, whoever asks.
    case connect
    /// See everything and change anything.
    case steer
}

/// Who may do what on the control API. A pure value: it decides from what the kernel says of the caller.
public struct APIRights: Hashable, Sendable {
    /// The user whose manager it is.
    public let managerUID: UInt32
    /// The members of this group may steer as well.
    public let steeringGroup: String

    public init(managerUID: UInt32, steeringGroup: String = "dtm") {
        self.managerUID = managerUID
        self.steeringGroup = steeringGroup
    }

    /// Decides about ``APIRight/viewOwn`` and ``APIRight/steer``; for ``APIRight/connect`` it says that the tunnel's
    /// policy has the word, and lets the caller go on to it.
    public func decide(_ right: APIRight, caller: LocalCaller) -> AdmissionDecision {
        switch right {
        case .viewOwn:
            AdmissionDecision(allowed: true, rule: "any-local", reason: "anyone on this host may see what is theirs")
        case .connect:
            AdmissionDecision(allowed: true, rule: "policy", reason: "the tunnel's policy decides who may connect")
        case .steer: decideSteering(caller)
        }
    }

    /// Whether `caller` sees something of `owner`; nil stands for what belongs to the manager.
    public func sees(_ caller: LocalCaller, ownedBy owner: UInt32?) -> Bool {
        caller.uid == owner || decideSteering(caller).allowed
    }

    private func decideSteering(_ caller: LocalCaller) -> AdmissionDecision {
        if caller.uid == managerUID {
            return AdmissionDecision(allowed: true, rule: "manager", reason: "\(caller) runs the manager")
        }
        if caller.uid == 0 { return AdmissionDecision(allowed: true, rule: "root", reason: "\(caller) is root") }
        if caller.groupNames.contains(steeringGroup) {
            return AdmissionDecision(
                allowed: true, rule: "group:\(steeringGroup)", reason: "\(caller) is in group \(steeringGroup)")
        }
        return AdmissionDecision(
            allowed: false, rule: nil,
            reason: "\(caller) may not steer: only the manager's user (uid \(managerUID)), root and members of group "
                + "\(steeringGroup) may")
    }
}
