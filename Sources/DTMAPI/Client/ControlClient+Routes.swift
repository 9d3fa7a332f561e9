import AsyncHTTPClient
public import DTMSecrets
import NIOCore
import NIOHTTP1

/// The calls, one for each route. All of them throw ``ControlClientError``, and `CancellationError` when their task is
/// cancelled.
extension ControlClient {
    /// `GET /v1/status`.
    public func status() async throws -> StatusReport {
        try await perform(.get("status"), as: StatusReport.self, within: timeouts.look)
    }

    /// `GET /v1/doctor`.
    public func doctor() async throws -> DoctorReport {
        try await perform(.get("doctor"), as: DoctorReport.self, within: timeouts.look)
    }

    /// `GET /v1/apps`.
    public func apps() async throws -> AppList {
        try await perform(.get("apps"), as: AppList.self, within: timeouts.look)
    }

    /// `POST /v1/auto-tunnel`.
    ///
    /// - Parameter passphrase: The operator's: a manager with sealed state asks for it when they are switched off.
    public func setAutoTunnel(enabled: Bool, passphrase: SharedSecret? = nil) async throws -> AutoTunnelState {
        var call = try Call.post("auto-tunnel", body: AutoTunnelState(enabled: enabled))
        if passphrase != nil {
            call = Call(method: .POST, segments: ["auto-tunnel"], query: [("enabled", "\(enabled)")])
        }
        call.passphrase = passphrase
        return try await perform(call, as: AutoTunnelState.self, within: timeouts.change)
    }

    /// `POST /v1/analysis`.
    public func setAnalysis(enabled: Bool) async throws -> AnalysisState {
        try await perform(
            try .post("analysis", body: AnalysisState(enabled: enabled)), as: AnalysisState.self,
            within: timeouts.change)
    }

    /// `GET /v1/analysis/NAME`: a tunnel, an application or a PID.
    public func analysis(of name: String) async throws -> AnalysisReport {
        try await perform(.get("analysis", name), as: AnalysisReport.self, within: timeouts.look)
    }

    /// `GET /v1/analysis/NAME/baseline`.
    public func baseline(of name: String) async throws -> BaselineDocument {
        try await perform(.get("analysis", name, "baseline"), as: BaselineDocument.self, within: timeouts.look)
    }

    /// `PUT /v1/analysis/NAME/baseline`.
    public func install(_ baseline: BaselineDocument, of name: String) async throws -> BaselineReport {
        try await perform(
            try .put("analysis", name, "baseline", body: baseline), as: BaselineReport.self, within: timeouts.change)
    }

    /// `POST /v1/analysis/NAME/train`.
    public func train(_ training: SeriesTraining, of name: String) async throws -> BaselineReport {
        try await perform(
            try .post("analysis", name, "train", body: training), as: BaselineReport.self, within: timeouts.change)
    }

    /// `GET /v1/analysis/prompt`: what would be sent to models now.
    public func modelPrompt() async throws -> ModelPromptReport {
        try await perform(.get("analysis", "prompt"), as: ModelPromptReport.self, within: timeouts.look)
    }

    /// `GET /v1/findings`.
    public func findings() async throws -> FindingList {
        try await perform(.get("findings"), as: FindingList.self, within: timeouts.look)
    }

    /// `POST /v1/findings/ID/dismiss`: it is no threat.
    public func dismissFinding(_ id: String) async throws -> FindingReport {
        try await perform(.post("findings", id, "dismiss"), as: FindingReport.self, within: timeouts.change)
    }

    /// `GET /v1/responses`.
    public func responses() async throws -> ResponseList {
        try await perform(.get("responses"), as: ResponseList.self, within: timeouts.look)
    }

    /// What a person decides about one response.
    public enum ResponseDecision: String, Sendable {
        case approve, dismiss, undo
    }

    /// `POST /v1/responses/ID/approve`, `…/dismiss`, `…/undo`.
    ///
    /// - Parameter passphrase: The operator's: a manager with sealed state asks for it before what can't be taken back,
    ///   and before what lowers protection.
    public func decide(
        _ decision: ResponseDecision, _ id: String, passphrase: SharedSecret? = nil
    ) async throws -> ResponseList.Entry {
        try await perform(
            Call(method: .POST, segments: ["responses", id, decision.rawValue], passphrase: passphrase),
            as: ResponseList.Entry.self, within: timeouts.change)
    }

    /// `POST /v1/responses/stop`.
    ///
    /// - Parameter passphrase: The operator's: a manager with sealed state asks for it.
    public func stopResponses(passphrase: SharedSecret? = nil) async throws -> ResponseList {
        try await perform(
            Call(method: .POST, segments: ["responses", "stop"], passphrase: passphrase), as: ResponseList.self,
            within: timeouts.change)
    }

    /// `POST /v1/responses/resume`.
    public func resumeResponses() async throws -> ResponseList {
        try await perform(.post("responses", "resume"), as: ResponseList.self, within: timeouts.change)
    }

    /// `GET /v1/notifications`.
    public func notifications() async throws -> NotificationList {
        try await perform(.get("notifications"), as: NotificationList.self, within: timeouts.look)
    }

    /// `POST /v1/notifications/test`: returns when every receiver has answered or had its time.
    public func testNotifications() async throws -> NotificationTest {
        try await perform(
            .post("notifications", "test"), as: NotificationTest.self, within: max(timeouts.change, .seconds(65)))
    }

    /// `GET /v1/tunnels`.
    public func tunnels() async throws -> TunnelList {
        try await perform(.get("tunnels"), as: TunnelList.self, within: timeouts.look)
    }

    /// `POST /v1/tunnels`: returns when the new tunnel's first endpoint accepts.
    public func protect(_ request: ProtectRequest) async throws -> ProtectAnswer {
        try await perform(try .post("tunnels", body: request), as: ProtectAnswer.self, within: timeouts.change)
    }

    /// `DELETE /v1/tunnels/NAME`.
    ///
    /// - Parameter passphrase: The operator's: a manager with sealed state asks for it.
    public func unprotect(_ name: String, passphrase: SharedSecret? = nil) async throws -> RemovedAnswer {
        try await perform(
            Call(method: .DELETE, segments: ["tunnels", name], passphrase: passphrase), as: RemovedAnswer.self,
            within: timeouts.change)
    }

    /// `POST /v1/tunnels/NAME/rotate`: returns when the new endpoint accepts, or with the reason why it does not.
    public func rotate(_ name: String) async throws -> RotateAnswer {
        try await perform(.post("tunnels", name, "rotate"), as: RotateAnswer.self, within: timeouts.change)
    }

    /// `POST /v1/rotate`: all tunnels.
    public func rotateAll() async throws -> RotateAnswer {
        try await perform(.post("rotate"), as: RotateAnswer.self, within: timeouts.change)
    }

    /// `GET /v1/events`: what the manager still remembers, oldest first; only what came after `id` when it is given.
    public func events(after id: UInt64? = nil) async throws -> EventList {
        try await perform(.get("events", query: Self.since(id)), as: EventList.self, within: timeouts.look)
    }

    /// `GET /v1/certificates`.
    public func certificates() async throws -> CertificateList {
        try await perform(.get("certificates"), as: CertificateList.self, within: timeouts.look)
    }

    /// `POST /v1/certificates/rotate`.
    public func rotateCertificates(_ request: CertificateRotateRequest) async throws -> CertificateChangeAnswer {
        try await perform(
            try .post("certificates", "rotate", body: request), as: CertificateChangeAnswer.self,
            within: timeouts.change)
    }

    /// `POST /v1/certificates/revoke`.
    public func revokeCertificates(_ request: CertificateRevokeRequest) async throws -> CertificateChangeAnswer {
        try await perform(
            try .post("certificates", "revoke", body: request), as: CertificateChangeAnswer.self,
            within: timeouts.change)
    }

    /// `GET /v1/configuration`: the configuration in force as JSON text, secrets masked.
    public func configuration() async throws -> String {
        try await exchange(.get("configuration"), within: timeouts.look) { body in
            String(buffer: try await body.collect(upTo: Self.maximumErrorBytes))
        }
    }

    /// `POST /v1/configuration/reload`.
    public func reloadConfiguration() async throws -> ReloadAnswer {
        try await perform(.post("configuration", "reload"), as: ReloadAnswer.self, within: timeouts.change)
    }

    /// `GET /v1/state`.
    public func state() async throws -> StateReport {
        try await perform(.get("state"), as: StateReport.self, within: timeouts.look)
    }

    /// `POST /v1/state/backup`.
    public func backUp() async throws -> BackupAnswer {
        try await perform(.post("state", "backup"), as: BackupAnswer.self, within: timeouts.change)
    }

    /// `POST /v1/configuration/accept`.
    ///
    /// - Parameter passphrase: The operator's: a manager with sealed state asks for it.
    public func acceptConfiguration(passphrase: SharedSecret? = nil) async throws -> AcceptanceAnswer {
        try await perform(
            Call(method: .POST, segments: ["configuration", "accept"], passphrase: passphrase),
            as: AcceptanceAnswer.self, within: timeouts.change)
    }

    /// `POST /v1/tunnels/NAME/identity`.
    public func identity(for name: String, _ request: IdentityRequest) async throws -> IdentityAnswer {
        try await perform(
            try .post("tunnels", name, "identity", body: request), as: IdentityAnswer.self, within: timeouts.look)
    }

    /// `POST /v1/tunnels/NAME/reports`.
    public func report(_ report: ConnectorReport, on name: String) async throws {
        try await exchange(try .post("tunnels", name, "reports", body: report), within: timeouts.look) { body in
            _ = try await body.collect(upTo: Self.maximumErrorBytes)
        }
    }

    static func since(_ id: UInt64?) -> [(name: String, value: String)] {
        id.map { [("since", String($0))] } ?? []
    }
}
