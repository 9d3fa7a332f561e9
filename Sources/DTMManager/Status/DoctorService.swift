import DTMAPI
import DTMConfiguration
import DTMCore
import DTMDoctor
import DTMPlan
import DTMSecrets
import NIOPosix

/// Answers `dtm doctor` for the manager: its rights and limits are what counts.
struct DoctorService: Sendable {
    let setting: ControlSetting
    let registry: TunnelRegistry
    let configuration: ConfigurationKeeper
    let supervisor: DataPlaneSupervisor
    let desk: ProtectionDesk
    var reader = HostFactsReader()

    /// - Throws: `failed` when the manager is ending.
    func report() async throws -> DoctorReport {
        let settings = await settings()
        let results = try await setting.threads.runIfActive { [reader] in
            HealthRegistry.examine(reader.read(settings))
        }
        return DoctorReport(
            version: DTMVersion.text, home: setting.home.path, configuration: await configuration.current.path,
            uid: setting.managerUID, managerPID: setting.controlPID,
            checks: results.map(DoctorReport.Check.init))
    }

    private func settings() async -> DoctorSettings {
        let loaded = await configuration.current
        let records = await registry.records
        let inForce = loaded.configuration
        return DoctorSettings(
            home: setting.home.path, homeOption: " --home \(shellQuoted(setting.home.path))",
            configuration: await state(loaded), manager: .answers(version: DTMVersion.text),
            endpoints: [inForce.rotation.endpoints] + records.map(\.settings.schedule.endpoints),
            skippedPorts: setting.reservedPorts.ports,
            ownPorts: Set(records.flatMap(\.observed.listeners).map(\.endpoint.port)),
            maximumConnections: inForce.limits.maximumConnections, maximumTunnels: inForce.limits.maximumTunnels,
            logBytes: inForce.logging.maximumBytes, requiresSecretMemory: setting.memory.policy == .require,
            protection: protection)
    }

    private var protection: DoctorSettings.Protection {
        let dataPlane = supervisor.status.memory
        return DoctorSettings.Protection(
            control: setting.memory.control.name, dataPlane: dataPlane?.name,
            reason: setting.memory.control.refusal ?? dataPlane?.refusal, lapses: desk.problems)
    }

    private func state(_ loaded: LoadedConfiguration) async -> DoctorSettings.ConfigurationState {
        do {
            let file = try await configuration.preview()
            if !file.changes.isEmpty { return .changed(path: file.path, changes: file.changes) }
            return .valid(
                path: file.path, tunnels: loaded.configuration.tunnels.count, warnings: file.warnings)
        } catch let error as any DescribedError {
            return .refused(path: loaded.path, message: error.message, hint: error.hint)
        } catch {
            return .refused(path: loaded.path, message: "\(error)", hint: nil)
        }
    }
}

extension DoctorReport.Check {
    init(_ result: HealthResult) {
        self.init(
            code: result.code, title: result.title, status: result.status.rawValue, severity: result.severity.rawValue,
            detail: result.detail, consequence: result.consequence, mend: result.mend, checkedBy: "manager")
    }
}

extension RotationSettings {
    fileprivate var endpoints: EndpointRange { EndpointRange(ports: portRange, hopsAddresses: addresses == .hop) }
}

extension ScheduleParameters {
    fileprivate var endpoints: EndpointRange {
        let ports = min(lowestPort, highestPort)...max(lowestPort, highestPort)
        return EndpointRange(ports: ports, hopsAddresses: addressMode == .hop)
    }
}
