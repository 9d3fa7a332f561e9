import DTMTestSupport
import DTMCertificates
import DTMCore
import DTMPlan
import NIOCore
import Testing

@testable import DTMDataPlane
@testable import DTMTunnel

@Suite("One tunnel of the data plane, from inside", .serialized)
struct RuntimeTests {
    @Test("its TLS context is another one after a rotation, a renewal and a revocation, and only then")
    func contexts() throws {
        let bench = try Workbench()
        var seen = [try bench.context()]
        try bench.apply()
        #expect(try bench.context() == seen.last)

        try bench.apply { $0.generation = 1 }
        try bench.settle { bench.rotations == 2 }
        seen.append(try bench.context())

        bench.executor.renew(.listener(bench.plan.id))
        let before = seen.last ?? nil
        try bench.settle { try bench.context() != before }
        seen.append(try bench.context())

        try bench.apply(revoking: [try #require(SerialNumber(bytes: [7]))])
        seen.append(try bench.context())
        #expect(!seen.contains(nil))
        #expect(zip(seen, seen.dropFirst()).allSatisfy { $0 != $1 })
        try bench.close()
    }

    @Test("a live listener that the system takes away is replaced, and its endpoint is free again")
    func lostListener() throws {
        let bench = try Workbench()
        let endpoint = try bench.inside { runtime -> Endpoint? in
            let live = runtime.machine.live.flatMap { runtime.listeners[$0.token] }
            live?.channel.close(promise: nil)
            return live?.endpoint
        }
        try bench.settle { bench.rotations == 2 }
        let lost = try #require(endpoint)
        #expect(bench.failures.contains { $0.step == "bind" && $0.reason.contains("\(lost)") })
        let isLive = try bench.inside { runtime in runtime.listeners.count >= 1 && runtime.machine.live != nil }
        #expect(isLive)
        try bench.close()
    }

    @Test("one that stops closes all its listeners and gives their endpoints back")
    func stops() throws {
        let bench = try Workbench()
        let endpoints = try bench.inside { runtime in runtime.listeners.values.map(\.endpoint) }
        let (reservations, id) = try bench.inside { ($0.surroundings.reservations, $0.id) }
        try bench.inside { runtime in _ = runtime.stop() }
        #expect(
            eventually {
                endpoints.allSatisfy { endpoint in
                    guard case .granted = reservations.reserve(endpoint, for: id) else { return false }
                    reservations.release(endpoint)
                    return true
                }
            })
        #expect(endpoints.allSatisfy { BlockingSocket.isRefused(at: $0) })
        try bench.close()
    }

    @Test("one that stops while a listener is being opened or tried leaves nothing open")
    func stopsMeanwhile() throws {
        for generation in UInt32(1)...5 {
            let bench = try Workbench()
            // The listener for it is on its way when the stop comes.
            try bench.inside { runtime in
                var next = runtime.plan
                next.generation = generation
                runtime.apply(next)
                _ = runtime.stop()
            }
            let isEmpty = { try bench.inside { $0.listeners.isEmpty } }
            #expect(try eventually { try isEmpty() })
            #expect(bench.rotations == 1)
            try bench.close()
        }
    }

    @Test("one that was removed is forgotten: no timer and no listener keeps it")
    func isForgotten() throws {
        let bench = try Workbench()
        let (remembered, loop) = try remember(bench)
        let isThere = { try loop.submit { remembered.value.runtime != nil }.wait() }
        #expect(try isThere())
        bench.remove()
        #expect(try eventually { try !isThere() })
        try bench.close()
    }

    /// In a function of its own, so that the test keeps nothing of it.
    private func remember(_ bench: Workbench) throws -> (NIOLoopBound<Remembered>, any EventLoop) {
        let tunnel = try #require(bench.executor.tunnels[bench.plan.id])
        let loop = tunnel.eventLoop
        return (try loop.submit { NIOLoopBound(Remembered(tunnel.value), eventLoop: loop) }.wait(), loop)
    }
}

/// Points to a tunnel and does not keep it.
private final class Remembered {
    weak var runtime: TunnelRuntime?
    init(_ runtime: TunnelRuntime) { self.runtime = runtime }
}
