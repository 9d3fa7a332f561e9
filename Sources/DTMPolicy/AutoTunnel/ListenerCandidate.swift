public import DTMCore

/// A listener that might get a tunnel by itself, and what is known of the application behind it.
public struct ListenerCandidate: Hashable, Sendable {
    public var listener: ObservedListener
    /// The application's stable name; nil when the process is not known.
    public var application: String?
    /// The process's own name (`comm`); nil when the process is not known.
    public var process: String?
    /// Nil when it could not be read.
    public var executable: String?
    /// Nil when it is not known.
    public var uid: UInt32?
    /// The name of ``uid``; nil when it is not known.
    public var userName: String?
    /// Whether the listener belongs to DTM itself.
    public var isOwn: Bool

    public init(
        listener: ObservedListener, application: String? = nil, process: String? = nil, executable: String? = nil,
        uid: UInt32? = nil, userName: String? = nil, isOwn: Bool = false
    ) {
        self.listener = listener
        self.application = application
        self.process = process
        self.executable = executable
        self.uid = uid ?? listener.uid
        self.userName = userName
        self.isOwn = isOwn
    }

    /// A listener of a process that was observed.
    public init(_ listener: ObservedListener, of process: ApplicationObservation, isOwn: Bool) {
        self.init(
            listener: listener, application: process.application, process: process.name,
            executable: process.executable, uid: process.uid, userName: process.user, isOwn: isOwn)
    }
}

extension ListenerCandidate: CustomStringConvertible {
    /// As `redis-server at tcp 127.0.0.1:6379`.
    public var description: String {
        let place =
            switch listener.place {
            case .ip(let endpoint): endpoint.description
            case .unix(let path): AdmissionPolicy.shown(path)
            }
        let who = (application ?? process).map(AdmissionPolicy.shown) ?? "an unknown process"
        return "\(who) at \(listener.transport.rawValue) \(place)"
    }
}

extension ListenerRule {
    /// Whether the rule is about a listener; nil when that can't be told, for something that it asks for is not known and
    /// nothing known speaks against it.
    public func matches(_ candidate: ListenerCandidate) -> Bool? {
        let verdicts = terms.map { $0.matches(candidate) }
        if verdicts.contains(false) { return false }
        return verdicts.contains(nil) ? nil : true
    }
}

extension ListenerTerm {
    fileprivate func matches(_ candidate: ListenerCandidate) -> Bool? {
        switch self {
        case .application(let name): Self.names(of: candidate) { $0.elementsEqual(name.utf8) }
        case .applicationPrefix(let start): Self.names(of: candidate) { $0.starts(with: start.utf8) }
        case .executable(let path): candidate.executable.flatMap(AbsolutePath.init).map { $0 == path }
        case .uid(let uid): candidate.uid.map { $0 == uid }
        case .user(let name): candidate.userName.map { name.hasSameBytes(as: $0) }
        case .ports(let ports): ports.contains(candidate.listener.port)
        }
    }

    private static func names(of candidate: ListenerCandidate, _ test: (String.UTF8View) -> Bool) -> Bool? {
        let names = [candidate.application, candidate.process].compactMap(\.self)
        return names.isEmpty ? nil : names.contains { test($0.utf8) }
    }
}
