import DTMCore
import DTMPlan
import NIOCore
import NIOPosix
import Testing

@testable import DTMManager

@Suite struct TargetResolverTests {
    @Test func `an address stands for itself, a name for its addresses, a path for nothing`() async throws {
        let addresses = [try found(IPAddress("::1")), try found(IPAddress("127.0.0.1"))]
        let resolver = TargetResolver(names: FakeNames(known: ["db.test": addresses]))
        let literal = try await resolver.destination(of: try found(Target("127.0.0.1:5")))
        #expect(literal == .tcp([Endpoint(address: addresses[1], port: 5)]))
        let named = try await resolver.destination(of: try found(Target("db.test:5")))
        #expect(named == .tcp(addresses.map { Endpoint(address: $0, port: 5) }))
        let path = try await resolver.destination(of: try found(Target("unix:/run/x")))
        #expect(path == .unix(path: "/run/x"))
        await #expect(throws: ManagerError(.targetUnresolved, "")) {
            try await resolver.destination(of: try found(Target("nowhere.test:5")))
        }
    }

    @Test func `no more addresses than a plan takes`() throws {
        let many = (1...40).map { IPAddress.v4(0x0a00_0000 + UInt32($0)) }
        guard
            case .tcp(let endpoints) = try TargetResolver.destination(
                of: .tcp(host: "many.test", port: 1), addresses: many)
        else {
            throw Missing()
        }
        #expect(endpoints.count == 16)
    }

    @Test func `the system knows localhost`() async throws {
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        let found = await SystemNameResolver(threads: threads).addresses(of: "localhost")
        #expect(!found.isEmpty)
        let allAreLoopback = found.allSatisfy(\.isLoopback)
        #expect(allAreLoopback)
        try await threads.shutdownGracefully()
    }

    @Test func `a probe tells who listens from who does not`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let port = UInt16(try #require(server.localAddress?.port))
        let probe = ConnectingProbe(group: group)
        let open = TargetPlan.tcp([Endpoint(address: .v4(0x7f00_0001), port: port)])
        let accepted = await probe.probe(open)
        #expect(accepted == nil)
        try await server.close()
        let refused = await probe.probe(open)
        #expect(refused == "Connection refused")
        let missing = await probe.probe(.unix(path: "/nonexistent/socket"))
        #expect(missing == "No such file or directory")
        try await group.shutdownGracefully()
    }
}
