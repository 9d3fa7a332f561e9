/// How bad it is that a check fails.
public enum HealthSeverity: String, Sendable, CaseIterable, Comparable {
    /// Worth knowing; nothing that DTM promises depends on it.
    case note
    /// Something works less well, or not at all under load.
    case warning
    /// Something that DTM promises does not hold.
    case error

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .note: 0
        case .warning: 1
        case .error: 2
        }
    }
}

/// What came of a check.
public enum HealthStatus: String, Sendable, CaseIterable {
    case passed, failed
    /// There is nothing to check here.
    case notApplicable
    /// It could not be found out; the detail says why.
    case unknown
}

/// What a check says of one host.
struct Verdict: Hashable, Sendable {
    var status: HealthStatus
    /// What was found, in one sentence, or one line for each thing.
    var detail: String
    /// When it differs from the check's own.
    var severity: HealthSeverity?
    /// What it costs here, when that differs from what the check says.
    var consequence: String?
    /// What mends it here, when more is known than the check knows.
    var mend: String?

    static func passed(_ detail: String) -> Self { Self(status: .passed, detail: detail) }
    static func notApplicable(_ detail: String) -> Self { Self(status: .notApplicable, detail: detail) }
    static func unknown(_ detail: String) -> Self { Self(status: .unknown, detail: detail) }
    static func failed(
        _ detail: String, severity: HealthSeverity? = nil, consequence: String? = nil, mend: String? = nil
    ) -> Self {
        Self(status: .failed, detail: detail, severity: severity, consequence: consequence, mend: mend)
    }
}

/// One thing that `dtm doctor` looks at: a pure decision on ``HostFacts``.
public struct HealthCheck: Sendable {
    /// A stable, dotted name, as `doctor.memlock`. Scripts may rely on it.
    public let code: String
    public let title: String
    /// When it fails. A verdict may be milder or graver, as it is for a range that is partly or wholly taken.
    public let severity: HealthSeverity
    /// What it costs while it fails.
    public let consequence: String
    /// A command or a setting.
    public let mend: String
    let judge: @Sendable (HostFacts) -> Verdict

    /// Judges a host.
    public func examine(_ facts: HostFacts) -> HealthResult {
        let verdict = judge(facts)
        return HealthResult(
            code: code, title: title, status: verdict.status, severity: verdict.severity ?? severity,
            detail: verdict.detail, consequence: verdict.consequence ?? consequence, mend: verdict.mend ?? mend)
    }
}

/// What one check found.
public struct HealthResult: Hashable, Sendable {
    /// ``HealthCheck/code``.
    public var code: String
    public var title: String
    public var status: HealthStatus
    /// Of a failure; it says nothing about any other status.
    public var severity: HealthSeverity
    public var detail: String
    public var consequence: String
    public var mend: String
}

/// All checks, in the order in which they are shown. The command and the API show the same ones.
public enum HealthRegistry {
    public static let checks: [HealthCheck] =
        HomeChecks.all + ManagerChecks.all + PortChecks.all + LimitChecks.all + RightsChecks.all + MemoryChecks.all
        + KernelChecks.all

    /// Judges a host by every check.
    public static func examine(_ facts: HostFacts) -> [HealthResult] { checks.map { $0.examine(facts) } }
}
