import DTMAPI
import DTMCore
import DTMDiscovery
import Glibc
import Testing

@testable import DTMManager

@Suite struct LiveRouteTests {
    @Test func `A console gets all there is, then what changes, until the manager ends`() async throws {
        try await ControlFixture.run(try ControlFixture.redis()) { control in
            var live = try await control.client.live().makeAsyncIterator()
            let first = try found(try await live.next())
            #expect(first.isSnapshot && first.maySteer == true)
            #expect(first.apps.map(\.name) == ["redis-server"] && first.tunnels.isEmpty)
            #expect(first.status?.state.mode == "ephemeral" && first.state?.mode == "ephemeral")
            #expect(first.findings?.available == true && first.responses?.stopped == false)
            #expect(first.events.contains { $0.kind == "manager.started" })
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            var known = Known()
            while known.tunnels["redis"]?.endpoint == nil || known.apps[99]?.tunnel != "redis"
                || !known.kinds.contains("tunnel.rotated")
            {
                known.take(try found(try await live.next()))
            }
            _ = try await control.client.unprotect("redis")
            while !known.gone.contains("redis") { known.take(try found(try await live.next())) }
            _ = try await control.client.stopResponses()
            while known.responses?.stopped != true { known.take(try found(try await live.next())) }
            control.applications.set(ApplicationView())
            while known.apps[99] != nil { known.take(try found(try await live.next())) }
            control.launcher.drain()
            while try await live.next() != nil {}
        }
    }

    @Test func `A thousand processes come in updates that a client can read, and with nobody there nobody looks`()
        async throws
    {
        var options = ControlFixture.Options()
        options.applications.processes = (1...1_000).map { pid in
            var process = Samples.process(Int32(pid), "many", uid: geteuid())
            process.redactedArguments = String(repeating: "long ", count: 400)
            return process
        }
        try await ControlFixture.run(options) { control in
            #expect(control.applications.liveLooks == 0)
            let feed = control.assembly.parts.live
            do {
                var live = try await control.client.live().makeAsyncIterator()
                var count = 0
                var updates = 0
                while count < 1_000, let update = try await live.next() {
                    #expect(update.isSnapshot == (updates == 0) && update.apps.count <= 200)
                    #expect(try APIJSON.encode(update).count <= 256 << 10)
                    count += update.apps.count
                    updates += 1
                }
                #expect(count == 1_000 && updates > 5)
                #expect(feed.followerCount == 1 && control.applications.liveLooks > 0)
            }
            let deadline = ContinuousClock.now + .seconds(20)
            while feed.picture != nil || feed.hasFollowers, ContinuousClock.now < deadline { await Task.yield() }
            #expect(feed.picture == nil && !feed.hasFollowers)
            let looks = control.applications.liveLooks
            var again = try await control.client.live().makeAsyncIterator()
            #expect(try await again.next()?.isSnapshot == true)
            #expect(control.applications.liveLooks > looks)
        }
    }

    @Test func `So many consoles may be open, and they share their looks`() async throws {
        try await ControlFixture.run(try ControlFixture.redis()) { control in
            // A client has fewer connections than there may be consoles.
            var streams: [LiveStream.AsyncIterator] = []
            for _ in 0..<4 { streams.append(try await control.client.live().makeAsyncIterator()) }
            let others = try (4..<LiveBounds.streams).map { _ in try control.assembly.parts.live.follow() }
            await expect(code: .failed, name: "live.limit") { _ = try await control.client.live() }
            let begun = control.applications.liveLooks
            for index in streams.indices { #expect(try await streams[index].next()?.isSnapshot == true) }
            for changes in others {
                var changes = changes.makeAsyncIterator()
                #expect(await changes.next() != nil)
            }
            #expect(control.applications.liveLooks - begun < LiveBounds.streams)
        }
    }

    /// What a console would have made of the updates.
    private struct Known {
        var apps: [Int32: AppReport] = [:]
        var tunnels: [String: TunnelReport] = [:]
        var gone: Set<String> = []
        var kinds: Set<String> = []
        var responses: ResponseList?

        mutating func take(_ update: LiveUpdate) {
            for app in update.apps { apps[app.pid] = app }
            for pid in update.goneApps { apps[pid] = nil }
            for tunnel in update.tunnels { tunnels[tunnel.name] = tunnel }
            gone.formUnion(update.goneTunnels)
            kinds.formUnion(update.events.map(\.kind))
            responses = update.responses ?? responses
        }
    }
}
