public import DTMCore

/// Why control could not do what it was asked.
///
/// The code's raw value is what the API sends as `error.code`; `ManagerError+Status.swift` holds the HTTP status of
/// each.
public struct ManagerError: DescribedError, Equatable {
    /// What went wrong, as a stable, dotted name.
    public enum Code: String, Sendable, CaseIterable {
        case homeUnusable = "home.unusable"
        case socketBusy = "socket.busy"
        case socketUnusable = "socket.unusable"
        case channelUnusable = "channel.unusable"
        case configurationRefused = "configuration.refused"
        case requestInvalid = "request.invalid"
        case requestTooLarge = "request.too_large"
        case routeUnknown = "route.unknown"
        case notPermitted = "permission.denied"
        case connectDenied = "connect.denied"
        case identityRevoked = "identity.revoked"
        case tunnelUnknown = "tunnel.unknown"
        case tunnelNameTaken = "tunnel.name_taken"
        case tunnelLimit = "tunnel.limit"
        case targetTaken = "target.taken"
        case targetRefused = "target.refused"
        case targetUnresolved = "target.unresolved"
        case targetOwn = "target.own"
        case rangeTooSmall = "range.too_small"
        case rangeBusy = "range.busy"
        case subjectUnknown = "subject.unknown"
        case subjectAmbiguous = "subject.ambiguous"
        case pidUnknown = "pid.unknown"
        case pidWithoutListener = "pid.without_listener"
        case pidForeign = "pid.foreign"
        case certificateUnknown = "certificate.unknown"
        case findingUnknown = "finding.unknown"
        case certificateRequestInvalid = "certificate.request_invalid"
        case dataPlaneUnavailable = "dataplane.unavailable"
        case endpointLate = "tunnel.endpoint_late"
        case hostingLimit = "hosting.limit"
        case liveLimit = "live.limit"
        case responseUnknown = "response.unknown"
        case responseState = "response.state"
        case responseNotUndoable = "response.not_undoable"
        case responseProtected = "response.protected"
        case responseBudget = "response.budget"
        case responsesStopped = "response.stopped"
        case stateUnusable = "state.unusable"
        case stateUnsaved = "state.unsaved"
        case passphraseNeeded = "operator.passphrase_needed"
        case passphraseWrong = "operator.passphrase_wrong"
        case operatorSlowed = "operator.slowed"
        case operatorBusy = "operator.busy"
        case stopping = "manager.stopping"
        case failed = "manager.failed"
    }

    /// What went wrong.
    public let code: Code
    /// One sentence that names what failed, where, and what is allowed.
    public let message: String
    /// What to do next.
    public let hint: String?
    /// The error that led to this one.
    public let cause: (any Error)?

    /// Makes an error; the message is a sentence without a full stop.
    public init(_ code: Code, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    /// The code's raw value.
    public var codeName: String { code.rawValue }

    /// Equality on the code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
