public import DTMCore

/// The version that every JSON object of the API and of `--json` carries as `schemaVersion`.
public let apiSchemaVersion = 1

/// `GET /v1/status`, `dtm status --json`.
public struct StatusReport: Codable, Hashable, Sendable {
    /// How state is kept.
    public struct StateReport: Codable, Hashable, Sendable {
        /// `ephemeral` or `sealed`.
        public var mode: String
        public init(mode: String) { self.mode = mode }
    }
    /// What the manager holds in memory, in bytes.
    public struct MemoryReport: Codable, Hashable, Sendable {
        /// Resident size of all of the manager's processes; pages they share are counted once.
        public var residentBytes: UInt64
        public var lockedBytes: UInt64
        public init(residentBytes: UInt64, lockedBytes: UInt64) {
            self.residentBytes = residentBytes
            self.lockedBytes = lockedBytes
        }
    }
    /// One process of the manager.
    public struct ProcessReport: Codable, Hashable, Sendable {
        /// `launcher`, `control` or `dataplane`.
        public var role: String
        public var pid: Int32
        public var residentBytes: UInt64
        public init(role: String, pid: Int32, residentBytes: UInt64) {
            self.role = role
            self.pid = pid
            self.residentBytes = residentBytes
        }
    }

    public var schemaVersion = apiSchemaVersion
    /// The launcher's process id: the one to signal.
    public var pid: Int32
    public var uptimeSeconds: Double
    public var version: String
    public var home: String
    /// The configuration file in force; nil when the defaults are.
    public var configuration: String?
    public var state: StateReport
    public var autoTunnel: Bool
    public var analysis: Bool
    public var tunnels: Int
    public var memory: MemoryReport
    /// Of one core, of all of the manager's processes, over the last seconds.
    public var cpuPercent: Double
    public var processes: [ProcessReport]
    /// What is not as it should be; empty when all is well. `dtm status` exits with 2 when it is not.
    public var degraded: [String]

    public init(
        pid: Int32, uptimeSeconds: Double, version: String, home: String, configuration: String?, state: StateReport,
        autoTunnel: Bool, analysis: Bool, tunnels: Int, memory: MemoryReport, cpuPercent: Double,
        processes: [ProcessReport],
        degraded: [String]
    ) {
        self.pid = pid
        self.uptimeSeconds = uptimeSeconds
        self.version = version
        self.home = home
        self.configuration = configuration
        self.state = state
        self.autoTunnel = autoTunnel
        self.analysis = analysis
        self.tunnels = tunnels
        self.memory = memory
        self.cpuPercent = cpuPercent
        self.processes = processes
        self.degraded = degraded
    }
}

/// `GET /v1/apps`, `dtm apps --json`.
public struct AppList: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    public var apps: [AppReport]
    public init(apps: [AppReport]) { self.apps = apps }
}

/// One process.
public struct AppReport: Codable, Hashable, Sendable {
    /// One socket that the process listens on.
    public struct Listener: Codable, Hashable, Sendable {
        /// `tcp`, `tcp6`, `udp`, `udp6` or `unix`.
        public var `protocol`: String
        public var address: String
        public var port: UInt16
        public init(protocol: String, address: String, port: UInt16) {
            self.protocol = `protocol`
            self.address = address
            self.port = port
        }
    }
    /// One connection of the process.
    public struct Connection: Codable, Hashable, Sendable {
        public var local: String
        public var remote: String
        public var peerPid: Int32?
        public var state: String
        public var bytesIn: UInt64?
        public var bytesOut: UInt64?
        public var rttMicros: UInt32?
        public init(
            local: String, remote: String, peerPid: Int32?, state: String, bytesIn: UInt64?, bytesOut: UInt64?,
            rttMicros: UInt32?
        ) {
            self.local = local
            self.remote = remote
            self.peerPid = peerPid
            self.state = state
            self.bytesIn = bytesIn
            self.bytesOut = bytesOut
            self.rttMicros = rttMicros
        }
    }

    public var pid: Int32
    /// The stable name of the group of processes it belongs to.
    public var application: String
    public var name: String
    /// Nil when the rights to read it are missing.
    public var executable: String?
    public var uid: UInt32
    public var user: String
    public var state: String
    public var cpuPercent: Double
    public var residentBytes: UInt64
    public var threads: Int
    /// RFC 3339.
    public var startedAt: String
    public var cgroup: String
    public var listeners: [Listener]
    public var connections: [Connection]
    /// The name of the tunnel in front of it.
    public var tunnel: String?
    /// `isolated`, `fenced`, `fronted` or `none`.
    public var tier: String

    public init(
        pid: Int32, application: String, name: String, executable: String?, uid: UInt32, user: String, state: String,
        cpuPercent: Double, residentBytes: UInt64, threads: Int, startedAt: String, cgroup: String,
        listeners: [Listener],
        connections: [Connection], tunnel: String?, tier: String
    ) {
        self.pid = pid
        self.application = application
        self.name = name
        self.executable = executable
        self.uid = uid
        self.user = user
        self.state = state
        self.cpuPercent = cpuPercent
        self.residentBytes = residentBytes
        self.threads = threads
        self.startedAt = startedAt
        self.cgroup = cgroup
        self.listeners = listeners
        self.connections = connections
        self.tunnel = tunnel
        self.tier = tier
    }
}

/// `GET /v1/tunnels`, `dtm tunnels --json`.
public struct TunnelList: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    public var tunnels: [TunnelReport]
    public init(tunnels: [TunnelReport]) { self.tunnels = tunnels }
}

/// An address and a port.
public struct EndpointReport: Codable, Hashable, Sendable {
    public var host: String
    public var port: UInt16
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
    public init(_ endpoint: Endpoint) {
        self.init(host: endpoint.address.description, port: endpoint.port)
    }
    /// Nil when the host is not an address.
    public var endpoint: Endpoint? { IPAddress(host).map { Endpoint(address: $0, port: port) } }
}

/// One tunnel, as it is at the moment.
public struct TunnelReport: Codable, Hashable, Sendable {
    /// An endpoint of before that still listens.
    public struct Previous: Codable, Hashable, Sendable {
        public var host: String
        public var port: UInt16
        /// `overlap` or `decoy`.
        public var role: String
        public init(host: String, port: UInt16, role: String) {
            self.host = host
            self.port = port
            self.role = role
        }
    }
    /// Connections since the data plane started, and those that are open.
    public struct Connections: Codable, Hashable, Sendable {
        public var active: UInt32
        public var total: UInt64
        public var rejected: UInt64
        public var failed: UInt64
        public init(active: UInt32, total: UInt64, rejected: UInt64, failed: UInt64) {
            self.active = active
            self.total = total
            self.rejected = rejected
            self.failed = failed
        }
    }
    /// The listener's certificate.
    public struct CertificateReport: Codable, Hashable, Sendable {
        public var serial: String
        /// RFC 3339.
        public var notBefore: String
        /// RFC 3339.
        public var notAfter: String
        public var renewals: UInt64
        public init(serial: String, notBefore: String, notAfter: String, renewals: UInt64) {
            self.serial = serial
            self.notBefore = notBefore
            self.notAfter = notAfter
            self.renewals = renewals
        }
    }

    public var name: String
    public var target: String
    /// `isolated`, `fenced` or `fronted`.
    public var tier: String
    /// The listener's SPIFFE ID.
    public var identity: String
    /// Nil until the first endpoint accepts.
    public var endpoint: EndpointReport?
    public var previous: [Previous]
    public var epoch: UInt64
    public var generation: UInt32
    /// RFC 3339.
    public var nextRotation: String?
    public var rotations: UInt64
    public var rotationFailures: UInt64
    public var connections: Connections
    public var bytesIn: UInt64
    public var bytesOut: UInt64
    /// Nil until the first was issued.
    public var certificate: CertificateReport?
    public var intervalSeconds: Double
    public var overlapSeconds: Double
    /// The lowest and the highest port.
    public var portRange: [UInt16]
    /// The policy's rules.
    public var allow: [String]
    /// `configuration`, `api` or `auto`: who asked for it.
    public var origin: String
    /// Nil while the target answers.
    public var problem: String?

    public init(
        name: String, target: String, tier: String, identity: String, endpoint: EndpointReport?, previous: [Previous],
        epoch: UInt64, generation: UInt32, nextRotation: String?, rotations: UInt64, rotationFailures: UInt64,
        connections: Connections, bytesIn: UInt64, bytesOut: UInt64, certificate: CertificateReport?,
        intervalSeconds: Double,
        overlapSeconds: Double, portRange: [UInt16], allow: [String], origin: String, problem: String?
    ) {
        self.name = name
        self.target = target
        self.tier = tier
        self.identity = identity
        self.endpoint = endpoint
        self.previous = previous
        self.epoch = epoch
        self.generation = generation
        self.nextRotation = nextRotation
        self.rotations = rotations
        self.rotationFailures = rotationFailures
        self.connections = connections
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.certificate = certificate
        self.intervalSeconds = intervalSeconds
        self.overlapSeconds = overlapSeconds
        self.portRange = portRange
        self.allow = allow
        self.origin = origin
        self.problem = problem
    }
}

/// `POST /v1/tunnels`, `dtm protect`. What is nil comes from the configuration.
public struct ProtectRequest: Codable, Hashable, Sendable {
    /// A PID, `host:port`, `unix:/path` or an application's name.
    public var subject: String
    public var name: String?
    public var intervalSeconds: Double?
    public var overlapSeconds: Double?
    /// The lowest and the highest port.
    public var portRange: [UInt16]?
    public var allow: [String]?
    public var proxyProtocol: Bool?

    public init(
        subject: String, name: String? = nil, intervalSeconds: Double? = nil, overlapSeconds: Double? = nil,
        portRange: [UInt16]? = nil, allow: [String]? = nil, proxyProtocol: Bool? = nil
    ) {
        self.subject = subject
        self.name = name
        self.intervalSeconds = intervalSeconds
        self.overlapSeconds = overlapSeconds
        self.portRange = portRange
        self.allow = allow
        self.proxyProtocol = proxyProtocol
    }
}

/// The answer to `POST /v1/tunnels`: sent when the first endpoint accepts.
public struct ProtectAnswer: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    public var tunnel: TunnelReport
    /// What the user should know, as that the direct port is still open.
    public var notes: [String]
    public init(tunnel: TunnelReport, notes: [String]) {
        self.tunnel = tunnel
        self.notes = notes
    }
}

/// The answer to `POST /v1/tunnels/NAME/rotate` (one) and `POST /v1/rotate` (all): sent when the new endpoints accept.
public struct RotateAnswer: Codable, Hashable, Sendable {
    /// What came of the rotation of one tunnel.
    public struct Rotation: Codable, Hashable, Sendable {
        public var tunnel: String
        public var endpoint: EndpointReport?
        public var epoch: UInt64
        public var generation: UInt32
        /// Nil when it rotated; otherwise why it did not.
        public var failure: String?
        public init(tunnel: String, endpoint: EndpointReport?, epoch: UInt64, generation: UInt32, failure: String?) {
            self.tunnel = tunnel
            self.endpoint = endpoint
            self.epoch = epoch
            self.generation = generation
            self.failure = failure
        }
    }
    public var schemaVersion = apiSchemaVersion
    public var rotations: [Rotation]
    public init(rotations: [Rotation]) { self.rotations = rotations }
}

/// One line of `GET /v1/events` and `dtm events --json`.
public struct EventReport: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// Counts up within one control process; `Last-Event-ID` resumes after it.
    public var id: UInt64
    /// RFC 3339.
    public var time: String
    public var kind: String
    public var severity: Severity
    public var tunnel: String?
    public var app: String?
    public var identity: String?
    public var detail: [String: DetailValue]

    public init(
        id: UInt64, time: String, kind: String, severity: Severity, tunnel: String?, app: String?, identity: String?,
        detail: [String: DetailValue]
    ) {
        self.id = id
        self.time = time
        self.kind = kind
        self.severity = severity
        self.tunnel = tunnel
        self.app = app
        self.identity = identity
        self.detail = detail
    }

    public init(id: UInt64, _ event: Event) {
        self.init(
            id: id, time: event.time.rfc3339, kind: event.kind, severity: event.severity, tunnel: event.tunnel,
            app: event.app,
            identity: event.identity, detail: event.detail)
    }
}

/// `GET /v1/certificates`, `dtm certs list --json`.
public struct CertificateList: Codable, Hashable, Sendable {
    /// One certificate that this manager issued, or one of its authorities.
    public struct Entry: Codable, Hashable, Sendable {
        public var serial: String
        public var identity: String
        /// `authority`, `listener`, `probe` or `client`.
        public var role: String
        public var tunnel: String?
        /// RFC 3339.
        public var notBefore: String
        /// RFC 3339.
        public var notAfter: String
        /// `valid`, `expired` or `revoked`; an authority that is being replaced is `retiring`.
        public var status: String
        public init(
            serial: String, identity: String, role: String, tunnel: String?, notBefore: String, notAfter: String,
            status: String
        ) {
            self.serial = serial
            self.identity = identity
            self.role = role
            self.tunnel = tunnel
            self.notBefore = notBefore
            self.notAfter = notAfter
            self.status = status
        }
    }
    public var schemaVersion = apiSchemaVersion
    public var trustDomain: String
    public var certificates: [Entry]
    public init(trustDomain: String, certificates: [Entry]) {
        self.trustDomain = trustDomain
        self.certificates = certificates
    }
}

/// `POST /v1/certificates/rotate`: new leaves for one tunnel or for all, or a new authority.
public struct CertificateRotateRequest: Codable, Hashable, Sendable {
    public var tunnel: String?
    public var authority: Bool
    public init(tunnel: String?, authority: Bool) {
        self.tunnel = tunnel
        self.authority = authority
    }
}

/// `POST /v1/certificates/revoke`: a serial number or a SPIFFE ID. Live connections under it are cut.
public struct CertificateRevokeRequest: Codable, Hashable, Sendable {
    public var subject: String
    public init(subject: String) { self.subject = subject }
}

/// `POST /v1/tunnels/NAME/identity`: a connector asks to be let in.
public struct IdentityRequest: Codable, Hashable, Sendable {
    /// PKCS#10, DER, base64. The key stays with the asker.
    public var certificateRequest: String
    /// 16 hexadecimal digits that the connector chose at its start: a renewal carries the same.
    public var connector: String
    public init(certificateRequest: String, connector: String) {
        self.certificateRequest = certificateRequest
        self.connector = connector
    }
}

/// What a connector needs besides its window keys, which come by `GET /v1/tunnels/NAME/windows` as raw bytes.
public struct IdentityAnswer: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    public var tunnel: String
    /// 32 hexadecimal digits.
    public var tunnelID: String
    public var identity: String
    /// DER, base64, the leaf first.
    public var certificateChain: [String]
    /// RFC 3339, steady time.
    public var notAfter: String
    /// When to ask for the next one; RFC 3339, steady time.
    public var renewAt: String
    /// The rule that let the caller in.
    public var reason: String
    public var follow: FollowState

    public init(
        tunnel: String, tunnelID: String, identity: String, certificateChain: [String], notAfter: String,
        renewAt: String,
        reason: String, follow: FollowState
    ) {
        self.tunnel = tunnel
        self.tunnelID = tunnelID
        self.identity = identity
        self.certificateChain = certificateChain
        self.notAfter = notAfter
        self.renewAt = renewAt
        self.reason = reason
        self.follow = follow
    }
}

/// What changes under a connector's feet: one object of `GET /v1/tunnels/NAME/follow` (server-sent events, `event:
/// state`).
public struct FollowState: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// 32 hexadecimal digits; another one means another tunnel under the same name: start again.
    public var tunnelID: String
    /// The SPIFFE ID that the server must show.
    public var serverIdentity: String
    public var trustDomain: String
    /// DER, base64.
    public var trustBundle: [String]
    /// The anchor of steady time: see ``ClockAnchor``.
    public var clockOffsetNanoseconds: Int64
    public var intervalMilliseconds: UInt32
    public var lowestPort: UInt16
    public var highestPort: UInt16
    public var skippedPorts: [UInt16]
    public var addressMode: AddressMode
    public var epoch: UInt64
    public var generation: UInt32
    /// The live endpoint; nil until there is one.
    public var endpoint: EndpointReport?
    /// Rises when window keys must be fetched anew because the root was replaced.
    public var keyGeneration: UInt64

    public init(
        tunnelID: String, serverIdentity: String, trustDomain: String, trustBundle: [String],
        clockOffsetNanoseconds: Int64,
        intervalMilliseconds: UInt32, lowestPort: UInt16, highestPort: UInt16, skippedPorts: [UInt16],
        addressMode: AddressMode, epoch: UInt64, generation: UInt32, endpoint: EndpointReport?, keyGeneration: UInt64
    ) {
        self.tunnelID = tunnelID
        self.serverIdentity = serverIdentity
        self.trustDomain = trustDomain
        self.trustBundle = trustBundle
        self.clockOffsetNanoseconds = clockOffsetNanoseconds
        self.intervalMilliseconds = intervalMilliseconds
        self.lowestPort = lowestPort
        self.highestPort = highestPort
        self.skippedPorts = skippedPorts
        self.addressMode = addressMode
        self.epoch = epoch
        self.generation = generation
        self.endpoint = endpoint
        self.keyGeneration = keyGeneration
    }
}

/// `POST /v1/tunnels/NAME/reports`: a connector tells what it met, as a squatter on an endpoint.
public struct ConnectorReport: Codable, Hashable, Sendable {
    /// `squatter`: something else answered where the tunnel should be.
    public var kind: String
    public var endpoint: EndpointReport
    /// One of the connector's own short texts.
    public var reason: String
    public init(kind: String, endpoint: EndpointReport, reason: String) {
        self.kind = kind
        self.endpoint = endpoint
        self.reason = reason
    }
}

/// The answer to `POST /v1/configuration/reload`.
public struct ReloadAnswer: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// The file that was read; nil when there is none and the defaults are in force.
    public var configuration: String?
    /// One line for each thing that changed.
    public var changes: [String]
    /// One line for each thing that changes only with the next start.
    public var needsRestart: [String]
    public init(configuration: String?, changes: [String], needsRestart: [String]) {
        self.configuration = configuration
        self.changes = changes
        self.needsRestart = needsRestart
    }
}

/// The body of every answer that is not a success.
public struct APIErrorBody: Codable, Hashable, Sendable {
    /// What went wrong, for programs and for people.
    public struct Content: Codable, Hashable, Sendable {
        /// A stable, dotted name, as `tunnel.unknown`.
        public var code: String
        public var message: String
        public var hint: String?
        public init(code: String, message: String, hint: String?) {
            self.code = code
            self.message = message
            self.hint = hint
        }
    }
    public var schemaVersion = apiSchemaVersion
    public var error: Content
    public init(code: String, message: String, hint: String? = nil) {
        error = Content(code: code, message: message, hint: hint)
    }
}
