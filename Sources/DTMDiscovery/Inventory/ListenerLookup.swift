public import DTMCore
import Glibc

/// Answers questions about single listeners, each from a fresh look at the kernel's tables.
public struct ListenerLookup: Sendable {
    var inventory: ProcessInventory
    private var files: ProcessFileSystem { inventory.files }
    private let localAddresses: @Sendable () -> Set<IPAddress>

    /// - Parameters:
    ///   - root: Where the process file system is mounted.
    ///   - localAddresses: The addresses of this host. A listener on all addresses is reached through these alone. By
    ///     default those of its interfaces.
    public init(
        root: String = "/proc", anchor: ClockAnchor = .current(), userNames: any UserNames = LibcUserNames(),
        localAddresses: @escaping @Sendable () -> Set<IPAddress> = { InterfaceAddresses.current() }
    ) {
        inventory = ProcessInventory(root: root, anchor: anchor, userNames: userNames)
        self.localAddresses = localAddresses
    }

    /// The listeners of a process: none is an answer too.
    ///
    /// - Throws: ``DiscoveryError`` when there is no such process, or the rights to see its sockets are missing.
    public func listeners(of pid: Int32) throws(DiscoveryError) -> [ObservedListener] {
        try observation(of: pid).listeners
    }

    /// One process. Its application's name is worked out from it alone.
    ///
    /// - Throws: ``DiscoveryError`` when there is no such process, or the rights to see its sockets are missing.
    public func observation(of pid: Int32) throws(DiscoveryError) -> ApplicationObservation {
        guard pid > 0, let reading = ProcessReading(pid: pid, files: files),
            let observation = inventory.assemble([reading], sockets: Sockets(files)).first
        else { throw .processGone(pid) }
        if observation.gaps.contains(.sockets) { throw .notPermitted(pid, owner: observation.uid) }
        return observation
    }

    /// The TCP listener that a connection to `endpoint` reaches, with the user who made it; nil when nothing listens
    /// there or the address is not this host's. Needs no rights on the process that holds it.
    public func listener(accepting endpoint: Endpoint) -> ObservedListener? {
        Sockets(files, [.tcp, .tcp6]).listener(accepting: endpoint, isLocal: isLocal)
    }

    /// The process that holds the TCP listener which a connection to `endpoint` reaches; the earliest where several
    /// share it.
    ///
    /// Nil when nothing listens there or no process that can be read holds it: ``listener(accepting:)`` tells the two
    /// apart.
    ///
    /// - Throws: ``DiscoveryError`` when the process table as a whole can't be read.
    public func owner(ofListener endpoint: Endpoint) throws(DiscoveryError) -> ApplicationObservation? {
        let sockets = Sockets(files)
        guard let listener = sockets.listener(accepting: endpoint, isLocal: isLocal) else { return nil }
        let holders = inventory.assemble(try inventory.readings(), sockets: sockets)
            .filter { $0.listeners.contains { $0.inode == listener.inode } }
        return holders.min { ($0.startTicks, $0.pid) < ($1.startTicks, $1.pid) }
    }

    /// The processes of an application, by its stable name, or else those with that kernel name; the earliest first.
    ///
    /// - Throws: ``DiscoveryError`` when the process table as a whole can't be read.
    public func find(application name: String) throws(DiscoveryError) -> [ApplicationObservation] {
        let all = inventory.assemble(try inventory.readings(), sockets: Sockets(files))
            .sorted { ($0.startTicks, $0.pid) < ($1.startTicks, $1.pid) }
        let members = all.filter { $0.application == name }
        return members.isEmpty ? all.filter { $0.name == name } : members
    }

    /// The user of the application behind a target on this host: who made the listening socket, or who owns the path of
    /// a Unix socket. Nil when nothing listens there, for another host's address, and for a name other than
    /// `localhost`.
    public func ownerUID(of target: Target) -> UInt32? {
        switch target {
        case .unix(let path):
            var status = stat()
            return stat(path, &status) == 0 ? status.st_uid : nil
        case .tcp(let host, let port):
            let addresses = host.lowercased() == "localhost" ? Self.localhost : [IPAddress(host)].compactMap(\.self)
            let sockets = Sockets(files, [.tcp, .tcp6])
            return addresses.lazy
                .compactMap { sockets.listener(accepting: Endpoint(address: $0, port: port), isLocal: isLocal) }
                .first?.uid
        }
    }

    private static let localhost: [IPAddress] = [.v4(0x7f00_0001), .v6(high: 0, low: 1)]

    private func isLocal(_ address: IPAddress) -> Bool { address.isLoopback || localAddresses().contains(address) }
}
