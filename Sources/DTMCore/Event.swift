/// How much an event matters, in the order of syslog's names (RFC 5424, section 6.2.1).
public enum Severity: String, Sendable, Codable, CaseIterable, Comparable {
    case debug, info, notice, warning, error, critical

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .notice: 2
        case .warning: 3
        case .error: 4
        case .critical: 5
        }
    }
}

/// A value in an event's detail.
public enum DetailValue: Hashable, Sendable, Codable {
    case string(String)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    case list([String])

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode([String].self) {
            self = .list(value)
        } else {
            self = .string(try container.decode(String.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .string(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .boolean(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        }
    }
}

extension DetailValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension DetailValue: CustomStringConvertible {
    public var description: String {
        switch self {
        case .string(let value): value
        case .integer(let value): String(value)
        case .double(let value): String(value)
        case .boolean(let value): String(value)
        case .list(let value): value.joined(separator: ",")
        }
    }
}

/// Something that happened, as operators and scripts see it. Holds no secret and no application data.
public struct Event: Hashable, Sendable {
    public var time: Timestamp
    /// Dotted, lower case, the subject first: `tunnel.rotated`. See ``Kind`` for those in use.
    public var kind: String
    public var severity: Severity
    /// The tunnel's name, when the event is about one.
    public var tunnel: String?
    /// The application's stable name, when the event is about one.
    public var app: String?
    /// The SPIFFE ID, when the event is about one.
    public var identity: String?
    public var detail: [String: DetailValue]

    public init(
        time: Timestamp, kind: String, severity: Severity, tunnel: String? = nil, app: String? = nil,
        identity: String? = nil, detail: [String: DetailValue] = [:]
    ) {
        self.time = time
        self.kind = kind
        self.severity = severity
        self.tunnel = tunnel
        self.app = app
        self.identity = identity
        self.detail = detail
    }

    /// The kinds in use. A script may rely on these names.
    public enum Kind {
        public static let managerStarted = "manager.started"
        public static let managerStopping = "manager.stopping"
        public static let managerUnsupervised = "manager.unsupervised"
        public static let dataPlaneStarted = "dataplane.started"
        public static let dataPlaneLost = "dataplane.lost"
        public static let applicationAppeared = "application.appeared"
        public static let applicationGone = "application.gone"
        public static let listenerStarted = "listener.started"
        public static let listenerStopped = "listener.stopped"
        /// The same program of the same user, as another process.
        public static let listenerRestarted = "listener.restarted"
        /// Another program, or another user's, where somebody else listened.
        public static let listenerTakenOver = "listener.taken_over"
        /// The file of a program that runs behind a tunnel is another one.
        public static let applicationExecutableChanged = "application.executable_changed"
        public static let tunnelBypassed = "tunnel.bypassed"
        public static let discoveryFailed = "discovery.failed"
        public static let autoTunnelSwitched = "autotunnel.switched"
        public static let analysisSwitched = "analysis.switched"
        /// Somebody put another baseline in the place of what was learnt.
        public static let analysisImported = "analysis.imported"
        /// A series was learnt from a table.
        public static let analysisTrained = "analysis.trained"
        /// What was kept of what the analyst learnt can't be read, or could not be saved.
        public static let analysisUnreadable = "analysis.unreadable"
        public static let analysisUnsaved = "analysis.unsaved"
        public static let autoTunnelMade = "autotunnel.made"
        public static let autoTunnelRemoved = "autotunnel.removed"
        public static let autoTunnelFailed = "autotunnel.failed"
        public static let portChangedHands = "autotunnel.port_changed_hands"
        public static let connectionOpened = "connection.opened"
        /// A connection under an identity that was given to another user.
        public static let identityMisused = "identity.misused"
        public static let connectorListening = "connector.listening"
        public static let connectorFailed = "connector.failed"
        public static let connectorNotice = "connector.notice"
        public static let programAdmitted = "connection.program_admitted"
        public static let connectionRefused = "connection.refused"
        public static let dataPlaneUnsent = "dataplane.message_unsent"
        /// Secrets are in memory of a lesser kind than there is.
        public static let memoryProtectionReduced = "memory.protection.reduced"
        /// Something took back a protection of one of the manager's processes; and it is there again.
        public static let protectionLost = "process.protection_lost"
        public static let protectionRestored = "process.protection_restored"
        /// Another program stands where the running one was started from.
        public static let executableReplaced = "executable.replaced"
        /// The program that runs is not the one that was started.
        public static let executableChanged = "executable.changed"
        public static let executableRestored = "executable.restored"
        public static let configurationReloaded = "configuration.reloaded"
        public static let configurationRefused = "configuration.refused"
        public static let stateOpened = "state.opened"
        public static let stateSaved = "state.saved"
        public static let stateSaveFailed = "state.save_failed"
        /// What this host saw of its state last is gone: an older state would not be noticed.
        public static let stateWitnessMissing = "state.witness_missing"
        public static let stateDamaged = "state.damaged"
        public static let stateTunnelLeftOut = "state.tunnel_left_out"
        public static let stateEphemeral = "state.ephemeral"
        /// Somebody who may steer gave a wrong passphrase for what lowers protection.
        public static let operatorRefused = "operator.refused"
        public static let backupWritten = "backup.written"
        public static let backupFailed = "backup.failed"
        /// The configuration protects less than the one that was accepted.
        public static let configurationWeakened = "configuration.weakened"
        public static let configurationAccepted = "configuration.accepted"
        public static let clockStepped = "clock.stepped"
        public static let tunnelAdded = "tunnel.added"
        public static let tunnelChanged = "tunnel.changed"
        public static let tunnelRemoved = "tunnel.removed"
        public static let tunnelRotated = "tunnel.rotated"
        public static let tunnelRotationFailed = "tunnel.rotation_failed"
        public static let tunnelEndpointTaken = "tunnel.endpoint_taken"
        public static let tunnelTargetUnreachable = "tunnel.target_unreachable"
        public static let tunnelTargetReachable = "tunnel.target_reachable"
        public static let connectionClosed = "connection.closed"
        public static let programRefused = "connection.program_refused"
        public static let connectionCut = "connection.cut"
        public static let handshakeFailed = "handshake.failed"
        public static let decoyTouched = "decoy.touched"
        public static let listenerExhausted = "listener.exhausted"
        public static let listenerRecovered = "listener.recovered"
        public static let squatterFound = "squatter.found"
        public static let authorityCreated = "authority.created"
        public static let authorityRotated = "authority.rotated"
        public static let certificateIssued = "certificate.issued"
        public static let certificateRenewed = "certificate.renewed"
        public static let certificateRevoked = "certificate.revoked"
        public static let connectGranted = "connect.granted"
        public static let connectDenied = "connect.denied"
        /// Callers of the control API were refused.
        public static let apiRefused = "api.refused"
        public static let findingRaised = "finding.raised"
        public static let findingDismissed = "finding.dismissed"
        /// The rules came too late for some events.
        public static let findingsGap = "findings.gap"
        /// What was kept of findings or of what the rules learnt can't be read.
        public static let findingsUnreadable = "findings.unreadable"
        public static let responsePerformed = "response.performed"
        public static let responseUndone = "response.undone"
        public static let responseProposed = "response.proposed"
        public static let responseApproved = "response.approved"
        public static let responseDismissed = "response.dismissed"
        /// A proposal that nobody decided on, or that made room.
        public static let responseWithdrawn = "response.withdrawn"
        /// It would have been time for it, and it was not done.
        public static let responseWithheld = "response.withheld"
        public static let responseNotified = "response.notified"
        public static let responseFailed = "response.failed"
        public static let responsesStopped = "response.stopped"
        public static let responsesResumed = "response.resumed"
        /// A receiver of notifications can't be told; and it can again.
        public static let notificationFailed = "notification.failed"
        public static let notificationRecovered = "notification.recovered"
        /// Notifications came faster than they went.
        public static let notificationDropped = "notification.dropped"
        /// A model asks for attention: it advises, and nothing is done about it.
        public static let modelAttention = "model.attention"
        /// A model gives no advice; and it does again.
        public static let modelFailed = "model.failed"
        public static let modelRecovered = "model.recovered"
        /// A provider's key stands in the configuration's file.
        public static let modelKeyInFile = "model.key_in_file"
        public static let performanceRecord = "performance.record"
    }
}
