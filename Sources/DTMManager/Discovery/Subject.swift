import DTMCore
import DTMDiscovery

/// What `dtm protect` was given.
enum Subject: Hashable, Sendable {
    case pid(Int32)
    case target(Target)
    /// An application's stable name, or the name of its processes.
    case application(String)

    /// - Throws: `request.invalid` for text that can be none of them.
    init(_ text: String) throws(ManagerError) {
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            guard let pid = Int32(text), pid > 0 else { throw Self.invalid(text) }
            self = .pid(pid)
        } else if let target = Target(text) {
            self = .target(target)
        } else if text.contains(":") || text.contains("/") || text.isEmpty || text.utf8.count > 128 {
            throw Self.invalid(text)
        } else {
            self = .application(text)
        }
    }

    private static func invalid(_ text: String) -> ManagerError {
        ManagerError(
            .requestInvalid,
            "\(printable(text)) can't be protected; allowed are a PID, HOST:PORT (port 1 to 65535), unix:/PATH (at most "
                + "\(Target.maximumUnixPathBytes) bytes) and an application's name",
            hint: "dtm apps lists what runs here and where it listens")
    }
}

/// A subject, resolved: where the tunnel leads, and whose application that is.
struct ResolvedSubject: Hashable, Sendable {
    var target: Target
    /// The user who listens there; nil when that is not on this host or can't be told.
    var ownerUID: UInt32?
    /// The application's stable name, when it is one of this host.
    var application: String?
    /// Addresses at which the application listens directly.
    var listeners: [IPAddress]
}

/// What belongs to the manager itself, which a tunnel must not lead to.
struct OwnParts: Hashable, Sendable {
    var processes: Set<Int32> = []
    var endpoints: Set<Endpoint> = []
    var socketPaths: Set<String> = []

    /// Whether a listener is DTM's: these come and go all the time.
    func owns(_ listener: ObservedListener, _ owner: ListenerOwner? = nil) -> Bool {
        if let owner, processes.contains(owner.process.pid) { return true }
        return listener.endpoint.map(endpoints.contains) ?? listener.path.map(socketPaths.contains) ?? false
    }
}
