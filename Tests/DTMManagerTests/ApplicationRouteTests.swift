import DTMAPI
import DTMCore
import DTMDiscovery
import DTMPolicy
import Glibc
import NIOPosix
import Synchronization
import Testing

@testable import DTMManager

@Suite struct ApplicationRouteTests {
    /// A process with all that its owner may see, one of somebody else, and two listeners without a process.
    private func view() throws -> ApplicationView {
        let mine = try Samples.listener("127.0.0.1:6379", uid: geteuid())
        var own = Samples.process(99, "redis-server", uid: geteuid(), mine)
        own.redactedArguments = "redis-server *:6379"
        own.unit = "redis.service"
        own.container = "docker:0a"
        own.openDescriptors = 9
        own.isInOtherNetwork = false
        var other = Samples.process(100, "other", uid: geteuid() + 1, try Samples.listener("127.0.0.1:1", uid: 1))
        other.redactedArguments = "other"
        other.gaps = [.sockets]
        return ApplicationView(
            processes: [own, other],
            unattributed: [
                try Samples.listener("127.0.0.1:2", uid: geteuid()),
                try Samples.listener("127.0.0.1:3", uid: geteuid() + 1),
            ],
            losses: [.byteCounts], isTruncated: true)
    }

    @Test func `Who may steer sees all of everyone, and what is missing`() async throws {
        try await ControlFixture.run(ControlFixture.Options(applications: try view())) { control in
            let list = try await control.client.apps()
            #expect(list.apps.map(\.pid) == [99, 100])
            #expect(list.apps.map(\.arguments) == ["redis-server *:6379", "other"])
            #expect(list.apps.first?.unit == "redis.service")
            #expect(list.apps.first?.container == "docker:0a")
            #expect(list.apps.first?.descriptors == 9)
            #expect(list.apps.first?.otherNetwork == false)
            #expect(list.apps.map(\.gaps) == [[], ["sockets"]])
            #expect(!list.complete && !list.ownOnly)
            #expect(list.missingCapabilities == ["CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"])
            #expect(list.losses == ["byteCounts"])
            #expect(list.truncated)
            #expect(list.unattributed.map(\.port) == [2, 3])
            #expect(list.unattributed.first?.tier == "none")
        }
    }

    @Test func `Anyone else sees what is his, and is told what is missing from that`() throws {
        let list = ApplicationRoutes.list(
            try view(), [], for: Samples.caller(geteuid() + 1), APIRights(managerUID: geteuid() + 7))
        #expect(list.apps.map(\.pid) == [100])
        #expect(list.apps.map(\.gaps) == [["sockets"]])
        #expect(!list.complete && list.ownOnly)
        #expect(list.missingCapabilities == ["CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"])
        #expect(list.unattributed.map(\.port) == [3])
        #expect(list.unattributed.map(\.user) == ["user\(geteuid() + 1)"])
        let stranger = ApplicationRoutes.list(
            try view(), [], for: Samples.caller(geteuid() + 2), APIRights(managerUID: geteuid() + 7))
        #expect(stranger.apps.isEmpty && stranger.unattributed.isEmpty && !stranger.complete)
        #expect(stranger.missingCapabilities.isEmpty)
    }

    @Test func `The same for everyone over the socket, where others than the manager's user call`() async throws {
        var options = ControlFixture.Options(applications: try view())
        options.managerUID = geteuid() + 7
        try await ControlFixture.run(options) { control in
            let list = try await control.client.apps()
            // Root steers everyone's manager.
            #expect(list.apps.map(\.pid) == (geteuid() == 0 ? [99, 100] : [99]))
            #expect(list.ownOnly == (geteuid() != 0))
        }
    }

    @Test func `All there is to know is complete, and a tunnel stands before a listener of nobody that can be seen`()
        async throws
    {
        let listener = try Samples.listener("127.0.0.1:6379", uid: geteuid())
        let options = ControlFixture.Options(applications: ApplicationView(unattributed: [listener]))
        try await ControlFixture.run(options) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "127.0.0.1:6379", name: "redis"))
            let list = try await control.client.apps()
            #expect(list.complete)
            #expect(list.unattributed.map(\.tunnel) == ["redis"])
            #expect(list.unattributed.map(\.tier) == ["fronted"])
        }
    }

    @Test func `The manager's own socket has the name that clients know, another's the one that it says`() {
        let own = Samples.process(getpid(), "dtm-control", Samples.listener(path: "/x/run/.c\(getpid())"))
        let other = Samples.process(getpid() + 1, "dtm-control", Samples.listener(path: "/x/run/.c\(getpid() + 1)"))
        #expect(ApplicationRoutes.report(own, []).listeners.map(\.address) == ["/x/run/control.sock"])
        #expect(ApplicationRoutes.report(other, []).listeners.map(\.address) == ["/x/run/.c\(getpid() + 1)"])
    }

    @Test func `A look answers what was asked before it began, and the next one waits its turn`() {
        let begun = ContinuousClock.now
        let look = SharedLook(view: ApplicationView(), begun: begun)
        #expect(look.answers(asked: begun - .seconds(5)))
        #expect(look.answers(asked: begun))
        #expect(!look.answers(asked: begun + .nanoseconds(1)))
        #expect(look.remainder(at: begun + .milliseconds(50)) == .milliseconds(200))
        #expect(look.remainder(at: begun + .milliseconds(250)) == .zero)
        #expect(look.remainder(at: begun + .seconds(9)) == .zero)
    }

    @Test func `Many who ask at once get one look, and it is a fresh one`() async throws {
        let threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
        let inventory = try HostInventory(
            anchor: .current(), threads: threads, accounts: FakeAccounts(), interval: .seconds(1))
        _ = try await inventory.sharedView()
        let begun = ContinuousClock.now
        let shares = try await withThrowingTaskGroup(of: ContinuousClock.Instant?.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask {
                    _ = try await inventory.sharedView()
                    return inventory.held.withLock { $0.shared?.begun }
                }
            }
            return try await tasks.reduce(into: Set<ContinuousClock.Instant>()) { $0.formUnion($1.map { [$0] } ?? []) }
        }
        try await threads.shutdownGracefully()
        // The first look was not theirs, and one was enough unless this machine is too busy to ask 8 times in 250 ms.
        #expect(shares.allSatisfy { $0 > begun })
        #expect(shares.count < 4)
    }
}
