/// A process of this host that asks for something, as the kernel describes it. Never filled from what the caller says.
///
/// The ids come from `SO_PEERCRED` or `sock_diag`; the names are those that the host's account database gives for
/// these ids, looked up by whoever makes the value, so that decisions about it are pure.
public struct LocalCaller: Hashable, Sendable {
    public var uid: UInt32
    public var gid: UInt32
    /// Nil when it is not known, as for a caller on a loopback connection.
    public var pid: Int32?
    /// The groups besides `gid`.
    public var supplementaryGroups: [UInt32]
    /// The name of `uid`; nil when it has none.
    public var userName: String?
    /// The names of `gid` and of the supplementary groups, as far as they have one.
    public var groupNames: [String]

    public init(
        uid: UInt32, gid: UInt32, pid: Int32? = nil, supplementaryGroups: [UInt32] = [], userName: String? = nil,
        groupNames: [String] = []
    ) {
        self.uid = uid
        self.gid = gid
        self.pid = pid
        self.supplementaryGroups = supplementaryGroups
        self.userName = userName
        self.groupNames = groupNames
    }

    /// True when the primary or a supplementary group is `group`.
    public func isMember(of group: UInt32) -> Bool { gid == group || supplementaryGroups.contains(group) }
}

extension LocalCaller: CustomStringConvertible {
    /// As `uid 1000 (alice), pid 4211`.
    public var description: String {
        "uid \(uid)" + (userName.map { " (\($0))" } ?? "") + (pid.map { ", pid \($0)" } ?? "")
    }
}

/// What a policy says about one caller, with its reason: logged and shown, whichever way it went.
public struct AdmissionDecision: Hashable, Sendable {
    public var allowed: Bool
    /// The rule that decided, as it was written; nil when none matched.
    public var rule: String?
    /// One sentence.
    public var reason: String
    /// Whether the caller could come in through a connector that the manager hosts: a rule fits as far as the caller goes,
    /// and asks for the program behind each connection besides. Only with a refusal.
    public var needsHosting: Bool

    public init(allowed: Bool, rule: String?, reason: String, needsHosting: Bool = false) {
        self.allowed = allowed
        self.rule = rule
        self.reason = reason
        self.needsHosting = needsHosting
    }
}
