import DTMAPI
import DTMCertificates
import DTMCore
import DTMSecrets
import DTMTunnel
import NIOSSL

/// What the follower knows, and how it becomes what the event loops use. A value.
struct ConnectorView: Sendable {
    /// An identity that control issued, with the TLS context that carries it.
    struct Identity: Sendable {
        var context: NIOSSLContext
        var renewAt: Timestamp
        /// When it came.
        var obtainedAt: Timestamp
        var name: String
    }

    /// The most that a manager's configuration allows.
    private static let longestLeafLife = Duration.seconds(604_800)

    var identity: Identity
    var state: FollowState
    var windowKeys: [UInt64: SharedSecret]

    /// - Throws: ``ConnectorError`` `answer` for a state that can't be used.
    func knowledge(time: any TimeSource) throws -> ConnectorKnowledge {
        guard let serverIdentity = SPIFFEID(state.serverIdentity), serverIdentity.trustDomain == state.trustDomain
        else {
            throw ConnectorError(.answer, "control named no identity of the tunnel")
        }
        let bundle = try state.trustBundle.map(Self.der)
        // How long leaves live is for control to decide, and it does not tell here.
        let verifier = try PeerVerifier(
            trustBundle: bundle, trustDomain: state.trustDomain, maximumLifetime: Self.longestLeafLife)
        return ConnectorKnowledge(
            context: identity.context, authenticator: ServerAuthenticator(verifier: verifier, time: time),
            serverIdentity: serverIdentity, published: state.endpoint?.endpoint,
            publishedTurn: ScheduleTurn(epoch: state.epoch, generation: state.generation),
            schedule: try EndpointSchedule(parameters: state.scheduleParameters), windowKeys: windowKeys)
    }

    static func der(_ text: String) throws -> [UInt8] {
        guard let bytes = Base64.decode(text) else {
            throw ConnectorError(.answer, "control sent a certificate that is not base64")
        }
        return bytes
    }
}

extension FollowState {
    var scheduleParameters: ScheduleParameters {
        ScheduleParameters(
            intervalMilliseconds: intervalMilliseconds, lowestPort: lowestPort, highestPort: highestPort,
            skippedPorts: skippedPorts, addressMode: addressMode)
    }

    var anchor: ClockAnchor { ClockAnchor(offsetNanoseconds: clockOffsetNanoseconds) }
}
