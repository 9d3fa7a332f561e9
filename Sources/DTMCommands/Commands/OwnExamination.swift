import DTMAPI
import DTMConfiguration
import DTMCore
import DTMDoctor
import Glibc

/// What this process finds by itself, as if its user started a manager here.
struct OwnExamination {
    let home: String?
    let homeOption: String
    let file: String?
    let asked: DoctorSettings.ManagerState

    func report() -> DoctorReport {
        let folder = home.map(HomeDirectory.absolute) ?? HomeDirectory.standard()
        let (state, configuration) = load()
        let settings = DoctorSettings(
            home: folder, homeOption: homeOption, configuration: state, manager: asked,
            endpoints: configuration.endpoints,
            skippedPorts: Set(WellKnownPorts.builtIn), maximumConnections: configuration.limits.maximumConnections,
            maximumTunnels: configuration.limits.maximumTunnels, logBytes: configuration.logging.maximumBytes,
            requiresSecretMemory: configuration.memory.protection == .require)
        let results = HealthRegistry.examine(HostFactsReader().read(settings))
        return DoctorReport(
            version: DTMVersion.text, home: folder, configuration: state.path, uid: geteuid(), managerPID: nil,
            checks: results.map(DoctorReport.Check.init))
    }

    /// A file that is refused leaves the defaults to judge the rest by.
    private func load() -> (DoctorSettings.ConfigurationState, Configuration) {
        do throws(ConfigurationError) {
            let loaded = try ConfigurationCommand.load(file: file, home: home)
            let count = loaded.configuration.tunnels.count
            return (
                .valid(path: loaded.path, tunnels: count, warnings: loaded.warnings), loaded.configuration
            )
        } catch {
            return (.refused(path: error.source, message: error.message, hint: error.hint), .defaults)
        }
    }
}

extension Configuration {
    fileprivate var endpoints: [EndpointRange] {
        let own = EndpointRange(ports: rotation.portRange, hopsAddresses: rotation.addresses == .hop)
        return [own]
            + tunnels.map(effective).map { tunnel in
                EndpointRange(ports: tunnel.portRange, hopsAddresses: tunnel.addresses == .hop)
            }
    }
}

extension DoctorSettings.ConfigurationState {
    fileprivate var path: String? {
        switch self {
        case .valid(let path, _, _), .changed(let path, _), .refused(let path, _, _): path
        }
    }
}

extension DoctorReport.Check {
    fileprivate init(_ result: HealthResult) {
        self.init(
            code: result.code, title: result.title, status: result.status.rawValue, severity: result.severity.rawValue,
            detail: result.detail, consequence: result.consequence, mend: result.mend, checkedBy: "caller")
    }
}

extension DoctorReport {
    /// A manager's report, with what only the caller can know, and what the manager could not find out.
    ///
    /// - Parameter insisting: codes of checks for which the caller's word counts.
    func completed(by own: DoctorReport, insisting: Set<String>) -> DoctorReport {
        let counts = insisting.union([ManagerChecks.managerCode])
        let mine = Dictionary(own.checks.map { ($0.code, $0) }) { first, _ in first }
        let merged = checks.map { check in
            guard let other = mine[check.code] else { return check }
            let isBetter = counts.contains(check.code) || check.status == HealthStatus.unknown.rawValue
            return isBetter && other.status != HealthStatus.unknown.rawValue ? other : check
        }
        let known = Set(checks.map(\.code))
        return DoctorReport(
            version: version, home: home, configuration: insisting.isEmpty ? configuration : own.configuration,
            uid: uid,
            managerPID: managerPID, checks: merged + own.checks.filter { !known.contains($0.code) })
    }

    /// 1 with errors, 2 with warnings, 0 otherwise.
    var exitStatus: Int32 {
        switch state {
        case .ok: ExitStatus.success
        case .degraded: ExitStatus.degraded
        case .failed: ExitStatus.failed
        }
    }
}
