/// `GET /v1/doctor`, and `dtm doctor --json`.
public struct DoctorReport: Codable, Hashable, Sendable {
    /// What one check found.
    public struct Check: Codable, Hashable, Sendable {
        /// A stable, dotted name, as `doctor.memlock`.
        public var code: String
        public var title: String
        /// `passed`, `failed`, `notApplicable` or `unknown`.
        public var status: String
        /// `note`, `warning` or `error`: how bad it is if the check fails.
        public var severity: String
        /// What was found; a line for each thing.
        public var detail: String
        /// What it costs while the check fails.
        public var consequence: String
        /// A command or a setting.
        public var mend: String
        /// `manager` or `caller`: whose rights and limits were looked at.
        public var checkedBy: String
        public init(
            code: String, title: String, status: String, severity: String, detail: String, consequence: String,
            mend: String, checkedBy: String
        ) {
            self.code = code
            self.title = title
            self.status = status
            self.severity = severity
            self.detail = detail
            self.consequence = consequence
            self.mend = mend
            self.checkedBy = checkedBy
        }

        public var isFailure: Bool { status == "failed" }
    }

    /// All checks in one word.
    public enum State: String, Codable, Hashable, Sendable {
        /// Nothing failed, or notes alone.
        case ok
        /// There are warnings.
        case degraded
        /// There are errors.
        case failed
    }

    public var schemaVersion = apiSchemaVersion
    public var state: State
    public var version: String
    /// The home that was looked at; nil when this user has none.
    public var home: String?
    /// The configuration file; nil when there is none and the defaults are in force.
    public var configuration: String?
    /// The user that runs the manager, or would.
    public var uid: UInt32
    /// The manager's control process; nil when no manager was asked.
    public var managerPID: Int32?
    public var checks: [Check]

    public init(
        version: String, home: String?, configuration: String?, uid: UInt32, managerPID: Int32?, checks: [Check]
    ) {
        self.version = version
        self.home = home
        self.configuration = configuration
        self.uid = uid
        self.managerPID = managerPID
        self.checks = checks
        let failures = checks.filter(\.isFailure).map(\.severity)
        state = failures.contains("error") ? .failed : failures.contains("warning") ? .degraded : .ok
    }

    private enum CodingKeys: String, CodingKey {
        case schemaVersion, state, version, home, configuration, uid, checks
        case managerPID = "managerPid"
    }
}
