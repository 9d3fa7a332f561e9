public import DTMCore

/// Where the decisions about single connections are made.
public enum ConnectorKind: Hashable, Sendable {
    /// A process of the caller's own, as `dtm connect NAME`: whoever reaches it is whoever the caller lets in.
    case standalone
    /// A connector that the manager runs, which looks at the program behind each connection.
    case hosted
}

extension AdmissionPolicy {
    /// Decides whether `caller` may have a connector.
    ///
    /// A standalone one is granted by rules about callers alone. For a hosted one the rules about programs count as met for
    /// now: each connection is decided by ``decide(program:ownerUID:)``.
    ///
    /// - Parameter ownerUID: The user of the application behind the tunnel; nil when there is none on this host or it
    ///   can't be told. The default then lets in root alone, unless the manager passes its own uid in place of an
    ///   owner.
    public func decide(
        caller: LocalCaller, ownerUID: UInt32?, connector: ConnectorKind = .standalone
    ) -> AdmissionDecision {
        guard !rules.isEmpty else { return Self.decideByDefault(caller, ownerUID) }
        let fitting = rules.filter { $0.fits(caller) }
        if let rule = fitting.first(where: { !$0.needsProgram }) {
            return AdmissionDecision(allowed: true, rule: "\(rule)", reason: "\(caller) matches rule \(rule)")
        }
        guard let rule = fitting.first else {
            return AdmissionDecision(
                allowed: false, rule: nil, reason: "\(caller) matches no rule of the policy (\(summary))")
        }
        switch connector {
        case .hosted:
            return AdmissionDecision(
                allowed: true, rule: "\(rule)",
                reason:
                    "\(caller) matches rule \(Self.shown("\(rule)")) as far as the caller goes; the program is looked at "
                    + "with every connection")
        case .standalone:
            return AdmissionDecision(
                allowed: false, rule: nil,
                reason:
                    "rule \(Self.shown("\(rule)")) is about the program behind each connection, which only a connector "
                    + "that the manager hosts can tell: dtm connect NAME --hosted is needed, and --stdio can't be hosted",
                needsHosting: true)
        }
    }

    /// Decides about a client on another host, by the identity that it proved.
    public func decide(identity: SPIFFEID) -> AdmissionDecision {
        let match = rules.first { $0.terms == [.spiffe(identity)] }
        guard let match else {
            let rules = rules.isEmpty ? "no rules are set" : summary
            return AdmissionDecision(
                allowed: false, rule: nil, reason: "\(identity) matches no rule of the policy (\(rules))")
        }
        return AdmissionDecision(allowed: true, rule: "\(match)", reason: "\(identity) matches rule \(match)")
    }

    private static func decideByDefault(_ caller: LocalCaller, _ ownerUID: UInt32?) -> AdmissionDecision {
        if let ownerUID, caller.uid == ownerUID {
            return AdmissionDecision(allowed: true, rule: "owner", reason: "\(caller) owns the application")
        }
        if caller.uid == 0 {
            return AdmissionDecision(allowed: true, rule: "root", reason: "\(caller) is root")
        }
        return AdmissionDecision(
            allowed: false, rule: nil,
            reason: "\(caller) is neither the application's owner nor root (\(owner(ownerUID)); no rules are set)")
    }

    static func owner(_ uid: UInt32?) -> String { uid.map { "its owner is uid \($0)" } ?? "its owner is not known" }
}

extension PolicyRule {
    /// Whether everything that the rule asks of a caller holds; what it asks of a program is left out.
    func fits(_ caller: LocalCaller) -> Bool {
        terms.allSatisfy { term in
            switch term {
            case .uid(let uid): caller.uid == uid
            case .user(let name): caller.userName.map { name.hasSameBytes(as: $0) } ?? false
            case .gid(let gid): caller.isMember(of: gid)
            case .group(let name): caller.groupNames.contains { name.hasSameBytes(as: $0) }
            case .anyLocal: true
            case .executable, .hash, .cgroup, .unit: true
            case .spiffe: false
            }
        }
    }
}

extension String {
    /// Names are equal to the system when their bytes are; `==` takes more for equal (Unicode's canonical equivalence).
    func hasSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
