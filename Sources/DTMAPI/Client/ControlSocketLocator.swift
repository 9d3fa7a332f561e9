import CDTMLinux
import DTMCore
import Glibc

/// Finds the control socket and makes sure of whose it is before a word is said to it.
///
/// A home that was given is the only place to look at; otherwise it is `DTM_HOME` or `~/.dtm`, then the system
/// manager's.
public struct ControlSocketLocator: Hashable, Sendable {
    /// Where a system manager listens.
    public static let systemPath = "/run/dtm/control.sock"
    /// The longest path that fits `sockaddr_un` with its terminating zero (`unix(7)`).
    static let maximumPathBytes = Target.maximumUnixPathBytes

    /// The paths to look at, in order.
    public let candidates: [String]

    public init(candidates: [String]) { self.candidates = candidates }

    /// - Parameter home: the home that the user named; nil for the usual places.
    public init(home: String?, environment: (String) -> String? = HomeDirectory.variable) {
        if let home {
            candidates = [Self.path(in: HomeDirectory.absolute(home))]
        } else {
            candidates = [HomeDirectory.standard(environment).map(Self.path), Self.systemPath].compactMap { $0 }
        }
    }

    /// The control socket of the manager whose home is `home`.
    public static func path(in home: String) -> String {
        home.hasSuffix("/") ? "\(home)run/control.sock" : "\(home)/run/control.sock"
    }

    /// The first candidate that exists.
    ///
    /// - Throws: ``ControlClientError``: `noManager`, `untrusted`, `notPermitted`, or `usage` for a path that is too
    ///   long.
    public func locate() throws(ControlClientError) -> String {
        for path in candidates {
            guard path.utf8.count <= Self.maximumPathBytes else { throw .pathTooLong(path) }
            if try exists(path) { return path }
        }
        throw .noManager(candidates)
    }

    /// False when there is nothing at `path`; throws unless what is there belongs to this user or to root.
    ///
    /// The directory decides who could have put the socket there, so it is checked first. What root's `/run` holds was
    /// arranged by root: the owner of the system manager's directory is trusted as well.
    private func exists(_ path: String) throws(ControlClientError) -> Bool {
        let directory = Self.directory(of: path)
        guard let folder = try FileFacts.read(directory, followingLinks: true) else { return false }
        var owners: Set<uid_t> = [geteuid(), 0]
        if path == Self.systemPath { owners.insert(folder.owner) }
        guard owners.contains(folder.owner) else { throw .foreign(directory, owner: folder.owner) }
        guard folder.permissions & 0o022 == 0 else { throw .writableByOthers(directory, folder.permissions) }
        guard let socket = try FileFacts.read(path, followingLinks: false) else { return false }
        guard owners.contains(socket.owner) else { throw .foreign(path, owner: socket.owner) }
        guard socket.isSocket else { throw .notASocket(path) }
        return true
    }

    private static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}

private struct FileFacts {
    let owner: uid_t
    let mode: mode_t
    var isSocket: Bool { mode & S_IFMT == S_IFSOCK }
    var permissions: mode_t { mode & 0o7777 }

    /// Nil when there is nothing at `path`.
    static func read(_ path: String, followingLinks: Bool) throws(ControlClientError) -> Self? {
        var facts = dtm_file_facts()
        switch -dtm_file_facts(path, followingLinks ? 1 : 0, &facts) {
        case 0: return Self(owner: facts.owner, mode: mode_t(facts.mode))
        case ENOENT, ENOTDIR: return nil
        case EACCES, EPERM: throw .denied(path)
        case let code: throw ControlClientError(.failed, message: "\(path): \(String(cString: strerror(code)))")
        }
    }
}

extension ControlClientError {
    fileprivate static func pathTooLong(_ path: String) -> Self {
        Self(
            .usage,
            message: "\(path) is \(path.utf8.count) bytes long; the path of a socket may have "
                + "\(ControlSocketLocator.maximumPathBytes)",
            hint: "use a home with a shorter path")
    }

    fileprivate static func foreign(_ path: String, owner: uid_t) -> Self {
        Self(
            .untrusted, message: "\(path) belongs to uid \(owner), neither to uid \(geteuid()) nor to root",
            hint: "run this as the user whose manager it is, or name your own home with --home")
    }

    fileprivate static func writableByOthers(_ path: String, _ mode: mode_t) -> Self {
        Self(
            .untrusted,
            message: "\(path) has mode 0\(String(mode, radix: 8)): others could put a socket of theirs there",
            hint: "chmod go-w \(path)")
    }

    fileprivate static func notASocket(_ path: String) -> Self {
        Self(.untrusted, message: "\(path) is not a socket", hint: "move it away and start the manager anew: dtm up")
    }
}
