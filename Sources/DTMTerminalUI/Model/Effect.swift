import DTMAPI
import DTMSecrets

/// What the model wants done outside of it.
indirect enum Effect: Hashable, Sendable {
    case protect(ProtectRequest)
    case unprotect(String)
    case rotate(String)
    case rotateAll
    case setAutoTunnel(Bool)
    case setAnalysis(Bool)
    /// The finding with this id is no threat.
    case dismiss(String)
    /// What a person decides about the response with this id.
    case decide(ControlClient.ResponseDecision, String)
    case stopResponses
    case resumeResponses
    /// What the analyst knows of a process, by its PID, an application or a tunnel.
    case loadAnalysis(String)
    case loadDoctor
    case loadCertificates
    /// The operator's passphrase is asked for, outside of the screen, and goes with it.
    case confirm(Effect)
    case suspend
    case redraw
    case end(ConsoleEnding)

    /// What is said while it is under way; nil when it needs no word.
    var progress: String? {
        switch self {
        case .protect(let request): "protecting \(request.subject) …"
        case .unprotect(let name): "removing the tunnel \(name) …"
        case .rotate(let name): "rotating \(name) …"
        case .rotateAll: "rotating all tunnels …"
        case .decide(.approve, let id): "having \(id) done …"
        case .decide(.undo, let id): "taking \(id) back …"
        case .stopResponses: "taking back all responses …"
        default: nil
        }
    }
}

/// How a console ended.
public enum ConsoleEnding: Hashable, Sendable {
    /// The console alone, or together with the manager where it belongs to `dtm up`.
    case quit
    /// The console of `dtm up`, and the manager goes on.
    case leaveRunning
    /// By a signal, with its number.
    case signal(Int32)
}

/// What came of an effect.
struct EffectOutcome: Sendable {
    enum Value: Sendable {
        case said(String)
        /// Something to read, which stays until a key is pressed.
        case notice(title: String, text: [String])
        case failed(message: String, hint: String?)
        /// It lowers protection: the manager wants to hear it from the operator.
        case passphraseNeeded
        case doctor(DoctorReport)
        case certificates(CertificateList)
        case analysis(AnalysisReport)
    }
    var effect: Effect
    var value: Value
}

/// An effect on its way to the manager.
struct ConsoleCall: Sendable {
    var effect: Effect
    /// The operator's.
    var passphrase: SharedSecret?
}
