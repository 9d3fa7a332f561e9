import DTMCore
import Glibc

/// Opens a configuration file and says whether it may be trusted.
///
/// The file is opened once; what is checked and what is read is the descriptor, so that nobody can exchange the file in
/// between.
enum ConfigurationFile {
    /// What `fstat(2)` says of an open file.
    struct Facts: Hashable, Sendable {
        var owner: UInt32
        /// Type and permissions, as `st_mode`.
        var mode: UInt32
        var size: Int64

        var isRegular: Bool { mode & S_IFMT == S_IFREG }
        var isWritableByOthers: Bool { mode & 0o022 != 0 }
        var isReadableByOthers: Bool { mode & 0o044 != 0 }
    }

    /// Nil when there is no file at a place that was only searched.
    static func open(_ place: ConfigurationLocator.Place) throws(ConfigurationError) -> OwnedDescriptor? {
        // O_NONBLOCK: opening a pipe must not wait for its writer.
        let link = place.followsLinks ? 0 : O_NOFOLLOW
        let number = Glibc.open(place.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | link)
        guard number < 0 else { return OwnedDescriptor(number) }
        let reason = errno
        switch (reason, place.origin) {
        case (ENOENT, .searched), (ENOTDIR, .searched), (ENOENT, .system), (ENOTDIR, .system): return nil
        // The system's configuration may be private to the system's manager.
        case (EACCES, .system): return nil
        case (ENOENT, .named(let by)), (ENOTDIR, .named(let by)): throw .notFound(place.path, namedBy: by)
        case (ELOOP, .searched), (ELOOP, .system): throw .symbolicLink(place.path)
        default: throw .unreadable(place.path, errno: reason)
        }
    }

    static func facts(of descriptor: borrowing OwnedDescriptor, path: String) throws(ConfigurationError) -> Facts {
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { throw .unreadable(path, errno: errno) }
        return Facts(owner: status.st_uid, mode: status.st_mode, size: Int64(status.st_size))
    }

    /// Why a file is refused; nil when it is not. A pure decision.
    static func refusal(of facts: Facts, path: String, managerUID: UInt32) -> ConfigurationError? {
        guard facts.isRegular else { return .notRegularFile(path) }
        guard facts.owner == managerUID || facts.owner == 0 else {
            return .foreignOwner(path, owner: facts.owner, managerUID: managerUID)
        }
        guard !facts.isWritableByOthers else { return .writableByOthers(path, mode: facts.mode & 0o7777) }
        guard facts.size <= JSONParser.maximumBytes else { return .tooLarge(path) }
        return nil
    }
}

extension ConfigurationError {
    static func notFound(_ path: String, namedBy origin: String) -> Self {
        Self(
            .notFound, source: path, summary: "there is no file \(path), which \(origin) names",
            hint: "correct the path, or write one with: dtm config default > \(path)")
    }

    static func vanished(_ path: String) -> Self {
        Self(
            .notFound, source: path, summary: "\(path) was in force and is gone",
            hint: "put it back, or stop the manager and start it anew to go by the defaults")
    }

    static func unreadable(_ path: String, errno reason: Int32) -> Self {
        Self(
            .unreadable, source: path, summary: "\(path) can't be read: \(String(cString: strerror(reason)))",
            hint: "make it readable for the user that runs the manager")
    }

    static func notRegularFile(_ path: String) -> Self {
        Self(.notRegularFile, source: path, summary: "\(path) is not a regular file; only regular files are read")
    }

    static func symbolicLink(_ path: String) -> Self {
        Self(
            .symbolicLink, source: path,
            summary: "\(path) is a symbolic link; links are followed only where --config or DTM_CONFIG names them",
            hint: "name the file with --config or DTM_CONFIG, or put the file itself there")
    }

    static func foreignOwner(_ path: String, owner: UInt32, managerUID: UInt32) -> Self {
        Self(
            .foreignOwner, source: path,
            summary: "\(path) belongs to uid \(owner); allowed are uid \(managerUID), which runs the manager, and root",
            hint: "chown \(managerUID) \(path), once you have read what it says")
    }

    static func writableByOthers(_ path: String, mode: UInt32) -> Self {
        Self(
            .writableByOthers, source: path,
            summary: "\(path) has the mode 0\(String(mode, radix: 8)); its group or everybody may write to it, "
                + "and only its owner may be allowed to",
            hint: "chmod go-w \(path), once you have read what it says")
    }

    static func tooLarge(_ path: String) -> Self {
        Self(
            .tooLarge, source: path,
            summary: "\(path) is longer than \(JSONParser.maximumBytes) bytes, the most that is read")
    }
}
