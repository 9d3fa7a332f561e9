import Glibc

/// Where a manager keeps its things when nobody says otherwise.
public enum HomeDirectory {
    /// `DTM_HOME`, else `.dtm` in the user's home. Nil when neither is known.
    public static func standard(_ environment: (String) -> String? = variable) -> String? {
        if let home = environment("DTM_HOME"), !home.isEmpty { return absolute(home) }
        return userHome(environment).map { "\($0)/.dtm" }
    }

    /// The home of the effective user as the user database has it (`getpwuid_r(3)`): `HOME` may still be another
    /// user's, as under `sudo`. `HOME` is asked when the database does not know the user.
    static func userHome(_ environment: (String) -> String?) -> String? {
        if let home = passwordEntryHome(geteuid()), home.hasPrefix("/") { return home }
        return environment("HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
    }

    /// `path`, below the working directory when it is relative.
    public static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return "\(String(cString: directory))/\(path)"
    }

    /// A variable of the process's environment.
    public static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    private static func passwordEntryHome(_ uid: uid_t) -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
            guard let start = buffer.baseAddress,
                getpwuid_r(uid, &entry, start, buffer.count, &found) == 0, found != nil,
                let directory = entry.pw_dir
            else { return nil }
            return String(cString: directory)
        }
    }
}
