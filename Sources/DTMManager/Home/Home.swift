import CDTMLinux
import Glibc

/// The manager's folder, `DTM_HOME`: where everything it keeps has its place.
struct Home: Hashable, Sendable {
    /// The absolute path, without a trailing slash.
    let path: String

    /// Names a home; touches nothing.
    init(path: String) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// Sockets; mode 0700.
    var run: String { path + "/run" }
    /// JSON Lines.
    var logs: String { path + "/logs" }
    /// Public bundles only.
    var certificates: String { path + "/certificates" }
    /// Sealed state.
    var state: String { path + "/state" }
    /// Sealed backups.
    var backups: String { path + "/backups" }
    /// Where the control API listens.
    var controlSocket: String { run + "/control.sock" }
    /// The log.
    var logFile: String { logs + "/dtm.json" }
    /// The trust bundle, PEM.
    var trustBundle: String { certificates + "/trust-bundle.pem" }

    var folders: [String] { [path, run, logs, certificates, state, backups] }
}

extension Home {
    /// Makes the folders that are missing, each with mode 0700, and checks those that are there.
    ///
    /// - Throws: `home.unusable` when a folder can't be made, is no folder, belongs to another user, may be written by
    ///   others, or may not be written by us.
    func prepare() throws(ManagerError) {
        try makeParents()
        for folder in folders { try prepare(folder: folder) }
        // Whoever may enter this folder may talk to the control socket.
        guard chmod(run, 0o700) == 0 else { throw .home(run, "its mode could not be set to 0700", errno) }
    }

    private func makeParents() throws(ManagerError) {
        guard path.hasPrefix("/") else { throw .home(path, "the path is not absolute", nil) }
        var parent = ""
        for name in path.split(separator: "/").dropLast() {
            parent += "/" + name
            guard mkdir(parent, 0o755) == 0 || errno == EEXIST || errno == EROFS || errno == EACCES else {
                throw .home(parent, "the folder could not be made", errno)
            }
        }
    }

    private func prepare(folder: String) throws(ManagerError) {
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw .home(folder, "the folder could not be made", errno) }
        let facts = try FileFacts.read(folder, followingLinks: true)
        guard let facts, facts.isFolder else { throw .home(folder, "it is not a folder", nil) }
        guard facts.owner == geteuid() else {
            throw .home(folder, "it belongs to user \(facts.owner), and the manager runs as user \(geteuid())", nil)
        }
        guard facts.permissions & 0o022 == 0 else {
            throw .home(
                folder, "others may write to it (mode \(octal(facts.permissions)))", nil, "chmod go-w \(folder)")
        }
        guard access(folder, W_OK | X_OK) == 0 else { throw .home(folder, "it is not writable", errno) }
    }
}

/// What is at a path.
struct FileFacts: Hashable, Sendable {
    let mode: UInt32
    let owner: UInt32
    let device: UInt64
    let inode: UInt64

    var isFolder: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }
    var isSocket: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFSOCK) }
    var permissions: UInt32 { mode & 0o777 }

    /// Nil when there is nothing.
    static func read(_ path: String, followingLinks: Bool) throws(ManagerError) -> Self? {
        var facts = dtm_file_facts()
        let outcome = dtm_file_facts(path, followingLinks ? 1 : 0, &facts)
        if outcome == -ENOENT { return nil }
        guard outcome == 0 else { throw .home(path, "it could not be looked at", -outcome) }
        return Self(mode: facts.mode, owner: facts.owner, device: facts.device, inode: facts.inode)
    }
}

func octal(_ mode: UInt32) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

/// What errno means, in words (`strerror_r(3)`).
func errnoText(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return text.isEmpty ? "error \(code)" : text
}

extension ManagerError {
    static func home(_ folder: String, _ what: String, _ code: Int32?, _ hint: String? = nil) -> Self {
        Self(
            .homeUnusable,
            "the home folder \(folder) can't be used: \(what)\(code.map { " (\(errnoText($0)))" } ?? "")",
            hint: hint ?? "choose another with --home DIR or DTM_HOME, or correct its owner and mode")
    }
}
