import DTMCore
import DTMTunnel
import ServiceLifecycle
import Synchronization

/// Finds out whose the touches of decoys are, while the program that made them is there, and hands them on.
///
/// Life: construct → ``take(_:)`` them as they come → ``run()`` beside it. What is left when it ends is handed on as it is.
/// The searches that it costs are paid for by the user who is searched for, as those for hosted connectors are.
final class TouchDesk: Service {
    /// A touch, and the program behind it when it could be told.
    struct Found: Sendable {
        var incident: Incident
        var program: ConnectingProgram?
    }

    /// The most that wait; further ones are handed on as they are.
    static let capacity = 256

    private let waiting = Mutex<[Incident]>([])
    private let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation
    private let programs: any ProgramFinding
    private let tell: @Sendable (Found) async -> Void

    init(programs: any ProgramFinding, tell: @escaping @Sendable (Found) async -> Void) {
        self.programs = programs
        self.tell = tell
        (arrivals, arrived) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// False when there is no room: it is to be told as it is.
    func take(_ incident: Incident) -> Bool {
        let hasRoom = waiting.withLock { waiting in
            guard waiting.count < Self.capacity else { return false }
            waiting.append(incident)
            return true
        }
        if hasRoom { arrived.yield() }
        return hasRoom
    }

    func run() async throws {
        for await _ in arrivals.cancelOnGracefulShutdown() {
            for incident in next() { await tell(Found(incident: incident, program: await program(behind: incident))) }
        }
        for incident in next() { await tell(Found(incident: incident)) }
    }

    private func next() -> [Incident] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }

    private func program(behind incident: Incident) async -> ConnectingProgram? {
        guard let peer = incident.peer, let local = incident.local, peer.address.isLoopback else { return nil }
        let program = await programs.program(behind: .tcp(client: peer, server: local), digests: false)
        // Another one may use the same addresses by now.
        guard let owner = incident.owner, owner.uid != program?.uid else { return program }
        return nil
    }
}
