public import DTMCore

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
    /// An endpoint of before that still serves.
    public struct Previous: Codable, Hashable, Sendable {
        public var host: String
        public var port: UInt16
        /// `overlap`. Decoys are counted and not named: see ``TunnelReport/decoys``.
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
    /// Nil of a manager that does not say.
    public var timings: Timings?
    /// The stable name of the application behind it, when it is one of this host.
    public var application: String?
    /// How many decoys listen: where they are is told to nobody. Nil of a manager that does not say.
    public var decoys: Int?

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
