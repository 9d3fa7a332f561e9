import FoundationEssentials
import Glibc

/// A user without rights, for what others may and may not do. Only root can become one; a test run by anyone else has
/// none.
struct OtherUser {
    let name: String
    let uid: uid_t
    let gid: gid_t

    static let nobody: OtherUser? = {
        guard geteuid() == 0, let entry = getpwnam("nobody") else { return nil }
        return OtherUser(name: "nobody", uid: entry.pointee.pw_uid, gid: entry.pointee.pw_gid)
    }()

    /// What to put before a command, so that this user runs it.
    var prefix: [String] { ["setpriv", "--reuid", "\(uid)", "--regid", "\(gid)", "--clear-groups", "--"] }

    /// Gives files to this user.
    func own(_ paths: String...) {
        for path in paths { chown(path, uid, gid) }
    }
}
