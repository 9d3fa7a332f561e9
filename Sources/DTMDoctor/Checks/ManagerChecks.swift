/// The manager and what it goes by.
public enum ManagerChecks {
    static let all = [manager, configuration]

    /// Of the check that only who asks a manager can make.
    public static let managerCode = "doctor.manager"
    /// Of the check on the configuration.
    public static let configurationCode = "doctor.configuration"

    static let manager = HealthCheck(
        code: managerCode, title: "Manager", severity: .error,
        consequence: "Commands can't reach the manager, and what it is allowed is judged by what this user is.",
        mend: "dtm status says more; then end the manager and start it anew: dtm up"
    ) { facts in
        switch facts.settings.manager {
        case .none: .notApplicable("none is running: all is judged as if this user started one here")
        case .answers(let version): .passed("dtm \(version) answers")
        case .differs(let version, let own):
            .failed(
                "dtm \(version) runs, and this program is dtm \(own)", severity: .warning,
                mend: "end the manager and start it anew: dtm up\(facts.settings.homeOption)")
        case .closed(let reason): .unknown(reason)
        case .broken(let message, let hint): .failed(message, mend: hint)
        }
    }

    static let configuration = HealthCheck(
        code: configurationCode, title: "Configuration", severity: .error,
        consequence: "A manager does not start with a file that it refuses; one that runs goes on with what it had.",
        mend: "correct the file; dtm config validate names all that is wrong with it"
    ) { facts in
        switch facts.settings.configuration {
        case .valid(let path, _, let warnings) where !warnings.isEmpty:
            .failed(
                (["\(path ?? "the defaults"): valid, with reservations"] + warnings).joined(separator: "\n"),
                severity: .warning, consequence: "What the warning says. The file is in force all the same.",
                mend: "do what the warning says, then: dtm config validate")
        case .valid(let path?, let tunnels, _):
            .passed("\(path) is valid, with \(tunnels) tunnel\(tunnels == 1 ? "" : "s")")
        case .valid(nil, _, _): .passed("there is no config.json: the defaults are in force")
        case .changed(let path, let changes):
            .failed(
                (["\(path ?? "the defaults"): not in force as it is now"] + changes).joined(separator: "\n"),
                severity: .note, consequence: "What was changed is not in force, and would be with the next start.",
                mend: "dtm config reload\(facts.settings.homeOption)")
        case .refused(_, let message, let hint): .failed(message, mend: hint)
        }
    }
}
