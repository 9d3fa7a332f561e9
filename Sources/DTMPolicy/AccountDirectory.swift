public import DTMCore

/// The host's account database, as far as policies need it.
public protocol AccountDirectory: Sendable {
    /// The name of a user; nil when there is none.
    func userName(_ uid: UInt32) -> String?
    /// The name of a group; nil when there is none.
    func groupName(_ gid: UInt32) -> String?
    /// The id of a user; nil when there is none of that name.
    func uid(named name: String) -> UInt32?
    /// The id of a group; nil when there is none of that name.
    func gid(named name: String) -> UInt32?
    /// All groups that the database gives a user, `primary` among them.
    func groups(ofUser name: String, primary: UInt32) -> [UInt32]
}

extension AccountDirectory {
    /// Completes what the kernel says of a caller with the names of its ids.
    ///
    /// - Parameter kernelGroups: The caller's groups from the kernel (`SO_PEERGROUPS`), which are those that the
    ///   process really has; nil where the kernel does not tell, and then the database's are taken.
    public func caller(uid: UInt32, gid: UInt32, pid: Int32? = nil, kernelGroups: [UInt32]? = nil) -> LocalCaller {
        let name = userName(uid)
        let groups = kernelGroups ?? name.map { self.groups(ofUser: $0, primary: gid) } ?? []
        let supplementary = Set(groups).subtracting([gid]).sorted()
        return LocalCaller(
            uid: uid, gid: gid, pid: pid, supplementaryGroups: supplementary, userName: name,
            groupNames: ([gid] + supplementary).compactMap(groupName))
    }

    /// The rules of `policy` that name a user or a group which this host does not have: they let no one in, which is
    /// seldom what was meant.
    public func rulesWithoutAccount(in policy: AdmissionPolicy) -> [PolicyRule] {
        policy.rules.filter { rule in
            rule.terms.contains { term in
                switch term {
                case .user(let name): uid(named: name) == nil
                case .group(let name): gid(named: name) == nil
                case .uid, .gid, .anyLocal, .executable, .hash, .cgroup, .unit, .spiffe: false
                }
            }
        }
    }
}
