/// `GET /v1/live` (server-sent events, `event: live`): all that a console shows, kept up to date by one stream.
///
/// The first of a stream is a snapshot and replaces whatever was known. Each after it tells what changed since; a part that
/// is nil, or a list that is empty, means no change. A snapshot that is large comes in several, the first of which replaces and
/// the rest of which add. They come when something changed, at most twice a second. A client that
/// comes back after a loss gets a snapshot again, with the events that the manager remembers.
public struct LiveUpdate: Codable, Hashable, Sendable {
    /// What is to be known about the list of applications besides its rows: see ``AppList``.
    public struct Picture: Codable, Hashable, Sendable {
        public var unattributed: [AppList.Unattributed]
        public var complete: Bool
        /// Whether the caller is shown his own processes alone.
        public var ownOnly: Bool
        public var missingCapabilities: [String]
        public var losses: [String]
        public var truncated: Bool

        public init(_ list: AppList) {
            unattributed = list.unattributed
            complete = list.complete
            ownOnly = list.ownOnly
            missingCapabilities = list.missingCapabilities
            losses = list.losses
            truncated = list.truncated
        }
    }

    public var schemaVersion = apiSchemaVersion
    public var isSnapshot: Bool
    /// The manager's steady time, RFC 3339: what every other time of the update is to be seen against.
    public var time: String
    /// Whether the caller may change anything. In a snapshot.
    public var maySteer: Bool?
    public var status: StatusReport?
    /// New and changed processes, by PID.
    public var apps: [AppReport] = []
    /// PIDs of processes that ended.
    public var goneApps: [Int32] = []
    public var picture: Picture?
    /// New and changed tunnels, by name.
    public var tunnels: [TunnelReport] = []
    /// Names of tunnels that were removed.
    public var goneTunnels: [String] = []
    public var state: StateReport?
    public var findings: FindingList?
    /// What waits for a person and what is in force, the latest of each up to a bound; what is over is left out. For who
    /// may steer.
    public var responses: ResponseList?
    /// What happened, oldest first.
    public var events: [EventReport] = []

    public init(isSnapshot: Bool, time: String) {
        self.isSnapshot = isSnapshot
        self.time = time
    }

    /// Whether there is anything in it that a console would show.
    public var isEmpty: Bool {
        !isSnapshot && status == nil && apps.isEmpty && goneApps.isEmpty && picture == nil && tunnels.isEmpty
            && goneTunnels.isEmpty && state == nil && findings == nil && responses == nil
            && events.isEmpty
    }
}
