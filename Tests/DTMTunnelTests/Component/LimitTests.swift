import DTMTestSupport
import DTMCore
import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import DTMTunnel

@Suite("Limits of a tunnel", .serialized)
struct LimitTests {
    @Test("a tunnel that is full refuses with that reason, and serves again when somebody has gone")
    func tunnelIsFull() async throws {
        try await withTunnel(change: { $0.maximumConnections = 1 }) { fixture, target in
            let first = try BlockingSocket(connectedTo: fixture.connector)
            let served = try target.accept()
            #expect(try await fixture.attempt(try fixture.goodCredential()) == "refused limit")
            #expect(fixture.observer.current.incidents.map(\.kind) == [.limitReached])
            #expect(fixture.server.counters.rejected == 1)

            let second = try BlockingSocket(connectedTo: fixture.connector)
            #expect(second.receiveAll() == nil)
            #expect(fixture.observer.current.failures.contains { $0.contains("the tunnel has its 1 connections") })

            first.endSending()
            served.endSending()
            #expect(eventually { fixture.server.counters.active == 0 })
            _ = try BlockingSocket(connectedTo: fixture.connector)
            _ = try target.accept()
        }
    }

    @Test("a manager that is full of accepted connections takes no more")
    func managerIsFull() async throws {
        try await withTunnel(maximumConnections: 2) { fixture, target in
            let clients = try (0..<2).map { _ in try BlockingSocket(connectedTo: fixture.connector) }
            let served = try (0..<2).map { _ in try target.accept() }
            let peer = try BlockingSocket(connectedTo: fixture.endpoint)
            #expect(peer.receiveAll() ?? [] == [])
            #expect(eventually { fixture.observer.has(.limitReached) })
            #expect(fixture.server.counters.rejected == 1)
            #expect(fixture.sessions.openConnections == 2)
            withExtendedLifetime((clients, served)) {}
        }
    }

    @Test("silent connections do not fill a manager: the oldest gives way to whoever comes")
    func silenceDoesNotFill() async throws {
        try await withTunnel(threads: 1, maximumConnections: 8) { fixture, target in
            let silent = try (0..<8).map { _ in try BlockingSocket(connectedTo: fixture.endpoint) }
            #expect(eventually { fixture.sessions.openConnections == 8 })
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("hello")
            #expect(try target.accept().receive(exactly: 5) == Array("hello".utf8))
            #expect(silent.first?.receiveAll() == nil)
            #expect(fixture.sessions.openConnections == 8)
        }
    }

    @Test("of more silent connections than an event loop keeps, the oldest give way, and real clients pass")
    func silenceIsBounded() async throws {
        try await withTunnel(threads: 1) { fixture, target in
            let most = SessionTable.maximumUnauthenticated
            let silent = try (0..<most + 50).map { _ in try BlockingSocket(connectedTo: fixture.endpoint) }
            #expect(eventually { fixture.server.counters.rejected >= 50 })
            #expect(fixture.sessions.openConnections <= most)
            for socket in silent.prefix(50) { #expect(socket.receiveAll() == nil) }
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("hello")
            #expect(try target.accept().receive(exactly: 5) == Array("hello".utf8))
            #expect(Set(fixture.observer.current.incidents.map(\.kind)) == [.limitReached])
            withExtendedLifetime(silent) {}
        }
    }

    @Test("sessions, their numbers and their counts are given back whatever ended them")
    func nothingIsLeft() async throws {
        try await withTunnel(change: { $0.handshakeTimeout = .milliseconds(500) }) { fixture, target in
            for turn in 0..<20 {
                let silent = try BlockingSocket(connectedTo: fixture.endpoint)
                let rude = try BlockingSocket(connectedTo: fixture.endpoint)
                try rude.send("HELO\r\n")
                let client = try BlockingSocket(connectedTo: fixture.connector)
                let served = try target.accept()
                if turn % 2 == 0 { served.reset() } else { client.reset() }
                withExtendedLifetime(silent) {}
            }
            #expect(eventually { fixture.sessions.openConnections == 0 && fixture.server.counters.active == 0 })
            #expect(try await fixture.sessions.isEmpty())
        }
    }

    @Test("a session is forgotten with its connection: nothing keeps it")
    func isForgotten() async throws {
        try await withTunnel(threads: 1) { fixture, target in
            let client = try BlockingSocket(connectedTo: fixture.connector)
            try client.send("x")
            let served = try target.accept()
            #expect(served.receive(exactly: 1) == [0x78])
            let bound = try #require(fixture.sessions.tables.values.first)
            let remembered = try await bound.eventLoop.submit {
                NIOLoopBound(Remembered(bound.value.sessions.values.first), eventLoop: bound.eventLoop)
            }.get()
            let isThere = { try bound.eventLoop.submit { remembered.value.session != nil }.wait() }
            #expect(try isThere())
            client.endSending()
            served.endSending()
            #expect(try eventually { try !isThere() })
        }
    }

    @Test("running out of descriptors pauses accepting and ends nothing")
    func descriptorsRunOut() async throws {
        // The limit holds for a whole process: a child's.
        await #expect(processExitsWith: .success) {
            try await withTunnel(threads: 1) { fixture, target in
                let client = try BlockingSocket(connectedTo: fixture.connector)
                let served = try target.accept()
                let late = (0..<4).map { _ in BlockingSocket(adopting: socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)) }
                let before = DescriptorLimit.lower()
                for socket in late { try socket.connect(to: fixture.endpoint) }
                #expect(eventually { fixture.observer.has(.descriptorsExhausted) })
                try client.send("still")
                #expect(served.receive(exactly: 5) == Array("still".utf8))

                DescriptorLimit.set(before)
                #expect(eventually { fixture.observer.has(.descriptorsRecovered) })
                #expect(eventually { fixture.sessions.openConnections == 5 })
                #expect(fixture.observer.current.incidents.count == 2)
            }
        }
    }
}

/// How many descriptors this process may have (`setrlimit(2)`).
enum DescriptorLimit {
    static func set(_ limit: rlimit) {
        var limit = limit
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// None more than are open now. Returns the limit of before.
    static func lower() -> rlimit {
        var before = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
        // The lowest free number is above all others once the gaps below are filled.
        var fillers: [CInt] = []
        let highest = (0..<CInt(clamping: before.rlim_cur)).last { fcntl($0, F_GETFD) >= 0 } ?? 2
        while let next = Optional(dup(2)), next >= 0, next < highest { fillers.append(next) }
        set(rlimit(rlim_cur: rlim_t(highest + 1), rlim_max: before.rlim_max))
        return before
    }
}

/// Points to a session and does not keep it.
private final class Remembered {
    weak var session: ServerSession?
    init(_ session: ServerSession?) { self.session = session }
}

extension SessionRegistry {
    /// Whether no event loop holds a session any more.
    func isEmpty() async throws -> Bool {
        for table in tables.values {
            let count = try await table.eventLoop.submit { table.value.count }.get()
            guard count == 0 else { return false }
        }
        return true
    }
}
