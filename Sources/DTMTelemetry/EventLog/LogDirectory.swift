import Glibc

/// The directory of the log.
enum LogDirectory {
    /// Makes it with mode 0700 when it is missing, and refuses one that others could put files into.
    static func prepare(_ path: String) throws(TelemetryError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw .directory(path, String(cString: strerror(errno))) }
        var status = stat()
        // A symbolic link as the directory's own name is refused; what leads there is the administrator's business.
        guard lstat(path, &status) == 0 else { throw .directory(path, String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .directory(path, "it is not a directory") }
        guard status.st_uid == geteuid() else { throw .directory(path, "it belongs to uid \(status.st_uid)") }
        guard status.st_mode & 0o022 == 0 else { throw .directory(path, "others may write to it") }
    }
}
