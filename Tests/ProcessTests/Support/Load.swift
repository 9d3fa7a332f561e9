import DTMCore
import Glibc
import Synchronization
import Testing

/// Many clients at once, each with a fresh connection for every request, until they are told to stop. Every failure is
/// kept.
final class ShortClients: Sendable {
    private let shared = Shared()
    private let workers: [Worker<Void>]

    private final class Shared: Sendable {
        let isEnding = Atomic(false)
        let requests = Atomic(0)
        let failures = Mutex<[String]>([])
    }

    init(_ count: Int, to endpoint: Endpoint) {
        let shared = shared
        workers = (0..<count).map { _ in Worker { Self.work(endpoint, shared) } }
    }

    deinit { shared.isEnding.store(true, ordering: .releasing) }

    var requests: Int { shared.requests.load(ordering: .relaxed) }
    var failures: [String] { shared.failures.withLock { $0 } }

    /// Stops them all and says how many requests were answered.
    func stop() throws -> Int {
        shared.isEnding.store(true, ordering: .releasing)
        for worker in workers { try worker.value() }
        return requests
    }

    private static func work(_ endpoint: Endpoint, _ shared: Shared) {
        while !shared.isEnding.load(ordering: .acquiring) {
            do {
                try BlockingSocket(connectedTo: endpoint).ping()
                shared.requests.wrappingAdd(1, ordering: .relaxed)
            } catch {
                shared.failures.withLock { $0.append("\(error)") }
            }
        }
    }
}

/// Connections that do nothing until they are asked whether they are alive.
final class IdleConnections {
    private var sockets: [BlockingSocket]

    init(_ count: Int, to endpoint: Endpoint) throws {
        sockets = try (0..<count).map { _ in
            let socket = try BlockingSocket(connectedTo: endpoint)
            try socket.ping()
            return socket
        }
    }

    /// Closes them all.
    func end() { sockets = [] }

    /// What the dead among them say.
    func failures() -> [String] {
        sockets.compactMap { socket in
            do {
                try socket.ping()
                return nil
            } catch {
                return "\(error)"
            }
        }
    }
}

/// A command that is run again and again until it is told to stop. It has to succeed each time.
final class RepeatedCommand: Sendable {
    private let isEnding = Shared()
    private let worker: Worker<Int>

    private final class Shared: Sendable {
        let flag = Atomic(false)
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    init(_ program: String, _ arguments: [String], in directory: TestDirectory) {
        let isEnding = isEnding
        worker = Worker {
            var runs = 0
            repeat {
                let outcome = try run(program, arguments, in: directory, limit: .seconds(120))
                guard outcome.status == 0 else {
                    throw Failure(description: "\(program): \(outcome.ending) \(outcome.output) \(outcome.errors)")
                }
                runs += 1
            } while !isEnding.flag.load(ordering: .acquiring)
            return runs
        }
    }

    deinit { isEnding.flag.store(true, ordering: .releasing) }

    /// Waits for the end of the last run, and says how many there were.
    ///
    /// - Throws: what the first run that failed said.
    func stop() throws -> Int {
        isEnding.flag.store(true, ordering: .releasing)
        return try worker.value()
    }
}
