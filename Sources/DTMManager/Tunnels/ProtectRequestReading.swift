import DTMAPI
import DTMConfiguration
import DTMCore
import DTMPolicy

/// Makes a draft of what `dtm protect` was told. Bounds are checked where all tunnels' are:
/// ``TunnelTable/check(_:ignoring:)``.
enum ProtectRequestReading {
    /// - Throws: `request.invalid`, which names the option, the value and what is allowed.
    static func draft(
        _ request: ProtectRequest, name: TunnelName, subject: ResolvedSubject
    ) throws(ManagerError) -> TunnelDraft {
        var tunnel = TunnelConfiguration(name: name, target: subject.target)
        tunnel.intervalSeconds = request.intervalSeconds
        tunnel.overlapSeconds = request.overlapSeconds
        tunnel.portRange = try range(request.portRange)
        tunnel.allow = request.allow
        tunnel.proxyProtocol = request.proxyProtocol ?? false
        return TunnelDraft(
            configuration: tunnel, policy: try policy(request.allow), origin: .api, ownerUID: subject.ownerUID,
            application: subject.application)
    }

    private static func range(_ ports: [UInt16]?) throws(ManagerError) -> ClosedRange<UInt16>? {
        guard let ports else { return nil }
        guard ports.count == 2, ports[0] >= 1, ports[0] <= ports[1] else {
            throw ManagerError(
                .requestInvalid,
                "portRange is \(ports.map(String.init).joined(separator: "-")); allowed is LOW-HIGH with 1 ≤ LOW ≤ HIGH ≤ 65535",
                hint: "as --range 5000-6000")
        }
        return ports[0]...ports[1]
    }

    private static func policy(_ rules: [String]?) throws(ManagerError) -> AdmissionPolicy {
        do {
            return try AdmissionPolicy(rules: rules)
        } catch {
            throw ManagerError(.requestInvalid, "allow: \(error.message)", hint: error.hint)
        }
    }
}
