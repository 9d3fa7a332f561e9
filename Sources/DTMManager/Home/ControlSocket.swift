import DTMCore
import Glibc

/// The place of one control socket in the file system.
///
/// Life: ``checkFree()`` → the server binds ``temporaryPath`` → ``publish()`` → ``withdraw()``. The name that clients
/// know appears at once with its final mode, never half made, and replaces what a killed manager left.
struct ControlSocket: Hashable, Sendable {
    /// What clients connect to.
    let path: String
    /// 0600 for a user's manager, 0666 for a system's, which decides by the peer's credentials.
    let mode: mode_t
    /// In the same folder, so that it can be renamed, and shorter than `control.sock`, so that both fit a socket
    /// address.
    let temporaryPath: String

    init(path: String, mode: mode_t, process: Int32 = getpid()) {
        self.path = path
        self.mode = mode
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        temporaryPath = "\(folder)/.c\(process)"
    }

    /// The name under which clients know what was bound at `path`: the kernel goes on to tell the name at birth.
    static func published(_ path: String, process: Int32) -> String {
        let name = "/.c\(process)"
        return path.hasSuffix(name) ? "\(path.dropLast(name.utf8.count))/control.sock" : path
    }

    /// Where a system manager listens besides its home.
    static let systemPath = "\(systemFolder)/control.sock"
    static let systemFolder = "/run/dtm"

    /// - Throws: `socket.busy` when somebody answers at the path, `socket.unusable` when it is too long or not a
    ///   socket's.
    func checkFree() throws(ManagerError) {
        guard path.utf8.count <= Target.maximumUnixPathBytes, temporaryPath.utf8.count <= Target.maximumUnixPathBytes
        else {
            throw ManagerError(
                .socketUnusable,
                "the path of the control socket is too long: \(path) has \(path.utf8.count) bytes, allowed are \(Target.maximumUnixPathBytes)",
                hint: "choose a shorter home with --home DIR or DTM_HOME")
        }
        guard let facts = try FileFacts.read(path, followingLinks: false) else { return }
        guard facts.isSocket else { throw .socket(path, "something that is not a socket is there", nil) }
        if connects() {
            throw ManagerError(
                .socketBusy, "another manager answers at \(path)",
                hint: "use it (dtm status), stop it, or start this one with another --home")
        }
    }

    /// Gives the bound socket its mode and its name; what is there under the name is replaced in one step
    /// (`rename(2)`).
    func publish() throws(ManagerError) -> PublishedSocket {
        guard chmod(temporaryPath, mode) == 0 else { throw .socket(temporaryPath, "its mode could not be set", errno) }
        guard let facts = try FileFacts.read(temporaryPath, followingLinks: false) else {
            throw .socket(temporaryPath, "it is gone", nil)
        }
        guard rename(temporaryPath, path) == 0 else { throw .socket(path, "it could not be put in place", errno) }
        return PublishedSocket(path: path, device: facts.device, inode: facts.inode)
    }

    private func connects() -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return withUnixAddress(path) { address, length in connect(descriptor, address, length) == 0 } ?? false
    }
}

/// A socket that clients can find, and by what to know whether it is still ours.
struct PublishedSocket: Hashable, Sendable {
    let path: String
    let device: UInt64
    let inode: UInt64

    /// Removes the name, unless a later manager has put its own socket there.
    func withdraw() {
        guard let facts = try? FileFacts.read(path, followingLinks: false), facts.device == device, facts.inode == inode
        else { return }
        unlink(path)
    }
}

/// Lends `path` as a socket address; nil when it does not fit.
func withUnixAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path), !bytes.contains(0) else { return nil }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

extension ManagerError {
    static func socket(_ path: String, _ what: String, _ code: Int32?) -> Self {
        Self(
            .socketUnusable,
            "the control socket \(path) can't be used: \(what)\(code.map { " (\(errnoText($0)))" } ?? "")",
            hint: "move what is at that path away, or choose another home with --home DIR")
    }
}
