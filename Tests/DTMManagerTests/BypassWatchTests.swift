import DTMCore
import Testing

@testable import DTMManager

@Suite struct BypassWatchTests {
    private let tunnel = TunnelID.random()

    private func connection(_ local: String, _ remote: String, peer: Int32? = nil) throws -> ObservedConnection {
        ObservedConnection(
            transport: .tcp, local: try found(Endpoint(local)), remote: try found(Endpoint(remote)), peerPID: peer,
            state: .established, inode: 1)
    }

    private func process(_ pid: Int32, _ name: String, _ connections: ObservedConnection...) -> ApplicationObservation {
        var process = Samples.process(pid, name)
        process.connections = connections
        return process
    }

    private func fronts() throws -> [Endpoint: TunnelID] { [try found(Endpoint("127.0.0.1:6379")): tunnel] }

    @Test func `a program that goes past the tunnel is told once a minute`() throws {
        var watch = BypassWatch()
        let redis = process(10, "redis-server", try connection("127.0.0.1:6379", "127.0.0.1:40000", peer: 20))
        let stranger = process(20, "nc", try connection("127.0.0.1:40000", "127.0.0.1:6379", peer: 10))
        var told: [Int] = []
        for second in 0..<130 {
            let now = Samples.now + .seconds(second)
            let sightings = watch.look([redis, stranger], fronts: try fronts(), own: .init(processes: [1]), at: now)
            if let sighting = sightings.first {
                told.append(second)
                #expect(sightings.count == 1)
                #expect(sighting.process?.pid == 20)
                #expect(sighting.tunnel == tunnel)
            }
        }
        #expect(told == [0, 60, 120])
    }

    @Test func `the data plane's own connections are none, seen from either side`() throws {
        var watch = BypassWatch()
        let redis = process(10, "redis-server", try connection("127.0.0.1:6379", "127.0.0.1:40000", peer: 1))
        let plane = process(1, "dtm", try connection("127.0.0.1:40000", "127.0.0.1:6379", peer: 10))
        #expect(watch.look([redis, plane], fronts: try fronts(), own: .init(processes: [1]), at: Samples.now).isEmpty)
    }

    @Test func `another program that calls itself dtm is told`() throws {
        var watch = BypassWatch()
        let impostor = process(30, "dtm", try connection("127.0.0.1:40000", "127.0.0.1:6379", peer: 10))
        #expect(watch.look([impostor], fronts: try fronts(), own: .init(processes: [1]), at: Samples.now).count == 1)
    }

    @Test func `a client that can't be seen is told by its address, at the next look`() throws {
        var watch = BypassWatch()
        let redis = process(10, "redis-server", try connection("127.0.0.1:6379", "127.0.0.1:40000"))
        #expect(watch.look([redis], fronts: try fronts(), own: .init(processes: [1]), at: Samples.now).isEmpty)
        let sightings = watch.look([redis], fronts: try fronts(), own: .init(processes: [1]), at: Samples.now)
        #expect(sightings.map(\.client) == [try found(Endpoint("127.0.0.1:40000"))])
        #expect(sightings.first?.process == nil)
    }

    @Test func `what the data plane says is its own is none, though it says so only after the look`() throws {
        var watch = BypassWatch()
        let end = try found(Endpoint("127.0.0.1:40000"))
        let redis = process(10, "redis-server", try connection("127.0.0.1:6379", "127.0.0.1:40000"))
        #expect(watch.look([redis], fronts: try fronts(), own: .init(processes: [1]), at: Samples.now).isEmpty)
        let own = BypassWatch.Own(processes: [1], ends: [end])
        #expect(watch.look([redis], fronts: try fronts(), own: own, at: Samples.now).isEmpty)
        #expect(watch.look([], fronts: try fronts(), own: .init(processes: [1]), at: Samples.now).isEmpty)
    }

    @Test func `one that can't be seen is told though it is gone by the next look`() throws {
        var watch = BypassWatch()
        let redis = process(10, "redis-server", try connection("127.0.0.1:6379", "127.0.0.1:40000"))
        #expect(watch.look([redis], fronts: try fronts(), own: .init(processes: [1]), at: Samples.now).isEmpty)
        #expect(watch.look([], fronts: try fronts(), own: .init(processes: [1]), at: Samples.now).count == 1)
        #expect(watch.look([], fronts: try fronts(), own: .init(processes: [1]), at: Samples.now).isEmpty)
    }

    @Test func `connections to other ports are nobody's business`() throws {
        var watch = BypassWatch()
        let other = process(20, "nc", try connection("127.0.0.1:40000", "127.0.0.1:6380"))
        #expect(watch.look([other], fronts: try fronts(), own: .init(processes: []), at: Samples.now).isEmpty)
    }
}
