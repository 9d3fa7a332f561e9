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
        /// How secrets are protected; nil of a manager that does not say.
        public var protection: ProtectionReport?
        public init(residentBytes: UInt64, lockedBytes: UInt64, protection: ProtectionReport? = nil) {
            self.residentBytes = residentBytes
            self.lockedBytes = lockedBytes
            self.protection = protection
        }
    }
    /// How secrets are protected in memory.
    public struct ProtectionReport: Codable, Hashable, Sendable {
        /// `require` or `prefer`: what the configuration asks for.
        public var policy: String
        /// Of control: `secret` (memory that the kernel can't read) or `locked`.
        public var control: String
        /// The same of the data plane; nil while there is none.
        public var dataPlane: String?
        /// Why one of them is not `secret`, the kernel's word; nil when both are.
        public var reason: String?
        /// What of the protections does not hold any more; empty when all is well.
        public var lapses: [String]
        public init(policy: String, control: String, dataPlane: String?, reason: String?, lapses: [String]) {
            self.policy = policy
            self.control = control
            self.dataPlane = dataPlane
            self.reason = reason
            self.lapses = lapses
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
    /// Who is told of findings and responses; nil for who may not steer.
    public var notifications: [NotificationReport]?
    /// Which models are asked for advice, in their order; nil for who may not steer.
    public var models: [ModelReport]?

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
