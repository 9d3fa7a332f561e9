/// Everything that a hard rule can find. `docs/findings.md` has a row for each, and a test holds it to that.
public enum FindingKind: String, Hashable, Sendable, CaseIterable {
    case decoyTouched = "decoy.touched"
    case endpointStale = "endpoint.stale"
    case endpointProbed = "endpoint.probed"
    case certificateForeign = "certificate.foreign"
    case certificateExpired = "certificate.expired"
    case certificateRetired = "certificate.retired"
    case certificateRevoked = "certificate.revoked"
    case certificateOtherTunnel = "certificate.other_tunnel"
    case handshakeBurst = "handshake.burst"
    case identityMisused = "identity.misused"
    case identityNew = "identity.new"
    case listenerTakenOver = "listener.taken_over"
    case portSquatted = "port.squatted"
    case tunnelBypassed = "tunnel.bypassed"
    case programRefused = "program.refused"
    case applicationChanged = "application.executable_changed"
    case managerChanged = "manager.executable_changed"
    case managerReplaced = "manager.executable_replaced"
    case protectionLost = "manager.protection_lost"
    case stateDamaged = "state.damaged"
    case stateWitnessMissing = "state.witness_missing"
    case configurationWeakened = "configuration.weakened"
    case apiRefused = "api.refused"
    case operatorRefused = "operator.refused"
    case clockJumped = "clock.jumped"

    /// The code in the API.
    public var code: String { rawValue }

    /// What there is to know of it before anything was seen.
    public struct Facts: Hashable, Sendable {
        /// One line for people.
        public var title: String
        /// 0–100: the highest that the rule gives.
        public var risk: Int
        /// 0–1: how sure the rule is then.
        public var confidence: Double
        /// When it is no threat after all.
        public var wrongWhen: String
        /// What to do.
        public var advice: String

        public init(title: String, risk: Int, confidence: Double, wrongWhen: String, advice: String) {
            self.title = title
            self.risk = risk
            self.confidence = confidence
            self.wrongWhen = wrongWhen
            self.advice = advice
        }
    }
}

extension FindingKind {
    /// Title, risk, confidence, how it can be wrong and what to do.
    public var facts: Facts {
        switch self {
        case .decoyTouched, .endpointStale, .endpointProbed, .handshakeBurst: endpointFacts
        case .certificateForeign, .certificateExpired, .certificateRetired, .certificateRevoked,
            .certificateOtherTunnel, .identityMisused, .identityNew:
            identityFacts
        case .listenerTakenOver, .portSquatted, .tunnelBypassed, .programRefused, .applicationChanged: hostFacts
        case .managerChanged, .managerReplaced, .protectionLost, .stateDamaged, .stateWitnessMissing,
            .configurationWeakened, .apiRefused, .operatorRefused, .clockJumped:
            managerFacts
        }
    }

    private var endpointFacts: Facts {
        switch self {
        case .endpointStale:
            Facts(
                title: "An endpoint was used after its time", risk: 80, confidence: 0.9,
                wrongWhen: "a client of the tunnel was killed in the middle of a handshake at the moment of a rotation",
                advice: "find out what the program is; whoever it is has seen an earlier endpoint")
        case .endpointProbed:
            Facts(
                title: "A stranger knocked at the live endpoint", risk: 60, confidence: 0.8,
                wrongWhen: "somebody tries the endpoint with curl or a scanner of the house",
                advice: "find out what the program is and why it looks for ports")
        case .handshakeBurst:
            Facts(
                title: "Many handshakes fail", risk: 75, confidence: 0.85,
                wrongWhen: "a client is started again and again with a broken set-up",
                advice: "see dtm events for who it is; rotate, or take the client's identity back")
        default:
            Facts(
                title: "A decoy was touched", risk: 85, confidence: 0.95,
                wrongWhen: "a scanner of the house looked through the ports, or a client died in its handshake",
                advice: "find out what the program is: nothing that belongs here has a reason to knock at a decoy")
        }
    }

    private var identityFacts: Facts {
        switch self {
        case .certificateExpired:
            Facts(
                title: "A certificate outside its time was used", risk: 45, confidence: 0.8,
                wrongWhen: "a client was stopped or asleep for longer than its certificate lives",
                advice: "start the client anew if it is yours")
        case .certificateRetired:
            Facts(
                title: "A certificate of a former authority was used", risk: 45, confidence: 0.8,
                wrongWhen: "a client missed that the authority was replaced",
                advice: "start the client anew if it is yours")
        case .certificateRevoked:
            Facts(
                title: "A revoked identity tried to come in", risk: 75, confidence: 0.9,
                wrongWhen: "the client whose identity was taken back still runs and tries again by itself",
                advice: "stop the program that holds it")
        case .certificateOtherTunnel:
            Facts(
                title: "An identity was used at a tunnel that it is not for", risk: 65, confidence: 0.8,
                wrongWhen: "a certificate was carried to the wrong place by hand",
                advice: "find out who holds it, and take the identity back if nobody can tell")
        case .identityMisused:
            Facts(
                title: "An identity is used by another user than it was given to", risk: 90, confidence: 0.95,
                wrongWhen: "a connector hands its connections to a program of another user on purpose",
                advice: "take the identity back: its key has left the process that it was made in")
        case .identityNew:
            Facts(
                title: "A program uses the tunnel for the first time", risk: 35, confidence: 0.6,
                wrongWhen: "somebody who may connect does so with another program: nearly always",
                advice: "nothing, if you know the program")
        default:
            Facts(
                title: "A certificate of a foreign authority was shown", risk: 75, confidence: 0.9,
                wrongWhen: "a client still has its identity from before the manager was started anew",
                advice: "find out what the program is: its certificate was not issued here")
        }
    }

    private var hostFacts: Facts {
        switch self {
        case .listenerTakenOver:
            Facts(
                title: "Another program listens where an application did", risk: 80, confidence: 0.8,
                wrongWhen: "the application was upgraded or moved to another user on purpose",
                advice: "look at who listens there now: dtm apps")
        case .portSquatted:
            Facts(
                title: "Something else answers where the tunnel should be", risk: 80, confidence: 0.8,
                wrongWhen: "another service of this host has a port out of the tunnel's range",
                advice: "see who listens there: dtm apps; choose another range if it belongs there")
        case .tunnelBypassed:
            Facts(
                title: "The application was used directly, past its tunnel", risk: 55, confidence: 0.9,
                wrongWhen: "the program has used the application since before the tunnel was there",
                advice: "lead the program through dtm connect, or isolate the application with dtm run")
        case .programRefused:
            Facts(
                title: "A program that may not connect tried a connector", risk: 45, confidence: 0.7,
                wrongWhen: "the policy forgot a program that belongs there",
                advice: "allow the program if it is meant to connect")
        default:
            Facts(
                title: "The application's program was changed on disk while it runs", risk: 55, confidence: 0.6,
                wrongWhen: "it was upgraded and not restarted yet",
                advice: "check where the new file comes from, then restart the application")
        }
    }

    private var managerFacts: Facts {
        switch self {
        case .managerReplaced:
            Facts(
                title: "Another program stands where the manager was started from", risk: 30, confidence: 0.8,
                wrongWhen: "DTM was upgraded",
                advice: "restart the manager after an upgrade; otherwise look who wrote it")
        case .protectionLost:
            Facts(
                title: "The manager lost a protection of its memory", risk: 85, confidence: 0.95,
                wrongWhen: "the host was out of breath for so long that the data plane did not report",
                advice: "restart the manager and find out who can write to its processes")
        case .stateDamaged:
            Facts(
                title: "The sealed state is not what the manager wrote", risk: 90, confidence: 0.9,
                wrongWhen: "the disk is broken, or a backup was put back while the manager runs",
                advice: "dtm state verify; then restore from a backup")
        case .stateWitnessMissing:
            Facts(
                title: "Whether the state is the latest can't be told", risk: 45, confidence: 0.6,
                wrongWhen: "the home was moved to a new host",
                advice: "look whether tunnels and revocations are the latest")
        case .configurationWeakened:
            Facts(
                title: "The configuration protects less than the accepted one", risk: 60, confidence: 1,
                wrongWhen: "whoever runs the manager meant it", advice: "correct the file, or dtm config accept")
        case .apiRefused:
            Facts(
                title: "A user keeps asking the manager for what he may not have", risk: 65, confidence: 0.8,
                wrongWhen: "a script runs under the wrong user", advice: "find out what the user runs")
        case .operatorRefused:
            Facts(
                title: "The operator's passphrase is being guessed", risk: 80, confidence: 0.8,
                wrongWhen: "somebody forgot it", advice: "ask the user; the manager slows guessing down by itself")
        case .clockJumped:
            Facts(
                title: "The wall clock was set", risk: 45, confidence: 0.8,
                wrongWhen: "the time was corrected: the manager itself runs on a steady clock",
                advice: "see whether whoever set it was meant to")
        default:
            Facts(
                title: "The program of the manager that runs is not the one that was started", risk: 95,
                confidence: 0.95, wrongWhen: "nothing known", advice: "stop the manager and reinstall it")
        }
    }
}
