import Glibc

/// What the kernel says of the process at the other end of a Unix socket, as it was when it connected (`unix(7)`,
/// `SO_PEERCRED` and `SO_PEERGROUPS`).
public struct PeerCredentials: Hashable, Sendable {
    public var pid: Int32
    public var uid: UInt32
    public var gid: UInt32
    /// Nil on a kernel before 4.13, which does not tell.
    public var groups: [UInt32]?

    public init(pid: Int32, uid: UInt32, gid: UInt32, groups: [UInt32]?) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    /// Nil when the descriptor is not a connected Unix socket.
    public init?(descriptor: Int32) {
        // `struct ucred` of unix(7): pid, uid, gid. glibc declares it under _GNU_SOURCE only, where Swift does not see
        // it.
        var credentials = [UInt32](repeating: .max, count: 3)
        var length = socklen_t(credentials.count * MemoryLayout<UInt32>.stride)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0,
            // A socket without a peer answers with uid and gid −1.
            credentials[1] != .max
        else { return nil }
        self.init(
            pid: Int32(truncatingIfNeeded: credentials[0]), uid: credentials[1], gid: credentials[2],
            groups: Self.groups(descriptor))
    }

    private static func groups(_ descriptor: Int32) -> [UInt32]? {
        var groups = [gid_t](repeating: 0, count: 64)
        for _ in 0..<2 {
            var length = socklen_t(groups.count * MemoryLayout<gid_t>.stride)
            if getsockopt(descriptor, SOL_SOCKET, Self.peerGroups, &groups, &length) == 0 {
                return Array(groups.prefix(Int(length) / MemoryLayout<gid_t>.stride))
            }
            guard errno == ERANGE else { return nil }
            groups = [gid_t](repeating: 0, count: Int(length) / MemoryLayout<gid_t>.stride)
        }
        return nil
    }

    /// `SO_PEERGROUPS` (`asm-generic/socket.h`); glibc's header spells it as a macro that Swift may not see.
    private static let peerGroups: Int32 = 59
}
