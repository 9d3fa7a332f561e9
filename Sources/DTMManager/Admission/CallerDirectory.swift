import DTMCore
import DTMPolicy
import NIOCore
import NIOPosix
import Synchronization

/// Says who is at the other end of a connection to the control socket: the ids from the kernel, the names from the
/// account database, remembered for a while because looking them up reads files.
final class CallerDirectory: Sendable {
    private struct Key: Hashable {
        var uid: UInt32
        var gid: UInt32
        var groups: [UInt32]?
    }
    private struct Entry {
        var caller: LocalCaller
        var until: Timestamp
    }

    /// How long names are remembered.
    static let lifetime: Duration = .seconds(30)
    static let capacity = 256
    private let accounts: any AccountDirectory
    private let clock: any TimeSource
    private let known = Mutex<[Key: Entry]>([:])

    init(accounts: any AccountDirectory, clock: any TimeSource) {
        self.accounts = accounts
        self.clock = clock
    }

    /// - Throws: `permission.denied` when the kernel does not tell who it is.
    func caller(on channel: any Channel) async throws(ManagerError) -> LocalCaller {
        guard let credentials = await Self.credentials(of: channel) else {
            throw ManagerError(.notPermitted, "the kernel does not say who calls", hint: "call over the control socket")
        }
        return caller(credentials)
    }

    func caller(_ credentials: PeerCredentials) -> LocalCaller {
        let key = Key(uid: credentials.uid, gid: credentials.gid, groups: credentials.groups)
        let now = clock.now()
        if let entry = known.withLock({ $0[key] }), now < entry.until {
            var caller = entry.caller
            caller.pid = credentials.pid
            return caller
        }
        let caller = accounts.caller(
            uid: credentials.uid, gid: credentials.gid, pid: credentials.pid, kernelGroups: credentials.groups)
        known.withLock { known in
            if known.count >= Self.capacity { known = known.filter { now < $0.value.until } }
            if known.count < Self.capacity { known[key] = Entry(caller: caller, until: now + Self.lifetime) }
        }
        return caller
    }

    /// `SO_PEERCRED`, read on the channel's event loop, the only place where its descriptor may be used.
    private static func credentials(of channel: any Channel) async -> PeerCredentials? {
        let read = channel.eventLoop.submit {
            try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
                descriptor in
                PeerCredentials(descriptor: descriptor)
            }
        }
        return (try? await read.get()) ?? nil
    }
}
