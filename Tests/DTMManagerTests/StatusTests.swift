import DTMCore
import DTMDiscovery
import DTMPlan
import DTMTelemetry
import Testing

@testable import DTMManager

@Suite struct ClockWatchTests {
    @Test func `a jump of the wall clock is told once, with its size and direction`() {
        var watch = ClockWatch()
        let start = Samples.now
        #expect(watch.look(wall: start, steady: start) == nil)
        #expect(watch.look(wall: start + .seconds(2), steady: start + .seconds(2)) == nil)
        #expect(watch.look(wall: start + .seconds(3_604), steady: start + .seconds(4)) == .seconds(3_600))
        #expect(watch.look(wall: start + .seconds(3_606), steady: start + .seconds(6)) == nil)
        #expect(watch.look(wall: start + .seconds(8), steady: start + .seconds(8)) == .seconds(-3_600))
    }

    @Test func `slewing is no jump`() {
        var watch = ClockWatch()
        _ = watch.look(wall: Samples.now, steady: Samples.now)
        #expect(watch.look(wall: Samples.now + .milliseconds(2_900), steady: Samples.now + .seconds(2)) == nil)
    }
}

@Suite struct SizeMemoryTests {
    private func process(_ pid: Int32, _ proportional: UInt64?) -> ProcessResources {
        ProcessResources(
            pid: pid, residentBytes: 100, proportionalBytes: proportional, lockedBytes: 0, cpuTime: .seconds(1))
    }

    @Test func `sizes are read anew after some seconds, and for a process that was not there`() {
        var memory = SizeMemory()
        #expect(memory.isDue([1], at: Samples.now))
        memory.take([process(1, 40), process(2, nil)], at: Samples.now)
        #expect(!memory.isDue([1, 2], at: Samples.now + .seconds(3)))
        #expect(memory.isDue([1, 3], at: Samples.now + .seconds(3)))
        #expect(memory.isDue([1], at: Samples.now + SizeMemory.age))
        #expect(memory.isDue([1], at: Samples.now - .seconds(1)))
    }

    @Test func `what is read in between has the sizes that were read last`() {
        var memory = SizeMemory()
        memory.take([process(1, 40), process(2, nil)], at: Samples.now)
        let completed = memory.completed([process(1, nil), process(2, nil)])
        #expect(completed == [process(1, 40), process(2, nil)])
    }
}

@Suite struct LoadWindowTests {
    @Test func `the load is that of the last seconds, over all processes`() {
        var window = LoadWindow(length: .seconds(10))
        #expect(window.percent == 0)
        window.add([1: .seconds(5), 2: .seconds(1)], at: Samples.now)
        window.add([1: .seconds(6), 2: .seconds(2)], at: Samples.now + .seconds(4))
        #expect(window.percent == 50)
        window.add([1: .seconds(6), 2: .seconds(2)], at: Samples.now + .seconds(14))
        window.add([1: .seconds(6), 2: .seconds(2)], at: Samples.now + .seconds(24))
        #expect(window.percent == 0)
    }

    @Test func `a process that came or went does not distort it`() {
        var window = LoadWindow()
        window.add([1: .seconds(100)], at: Samples.now)
        window.add([2: .seconds(50)], at: Samples.now + .seconds(5))
        #expect(window.percent == 0)
    }
}

@Suite struct PerformanceWindowTests {
    @Test func `rates are over the time since the last record`() throws {
        var table = try Samples.table(Samples.draft("redis"))
        let id = try table.record(named: "redis").id
        var window = PerformanceWindow(since: Samples.now)
        _ = table.observe(.counters(tunnel: id, TunnelCounters(active: 1, total: 1, bytesIn: 6_000, bytesOut: 600)))
        var record = window.record(table.sorted, usage: UsageFigures(), at: Samples.now + .seconds(60))
        #expect(record.tunnels[0].bytesInPerSecond == 100)
        #expect(record.tunnels[0].connections == 1)
        record = window.record(table.sorted, usage: UsageFigures(), at: Samples.now + .seconds(120))
        #expect(record.tunnels[0].bytesInPerSecond == 0)
    }
}

@Suite struct BannerTests {
    @Test func `lists what can be protected, each with its command, and leaves out what should not be`() throws {
        let own = OwnParts(processes: [1], endpoints: [try found(Endpoint("127.5.5.5:5005"))])
        let places = Banner.protectable(
            [
                Samples.process(1, "dtm", try Samples.listener("127.0.0.1:7000")),
                Samples.process(2, "sshd", try Samples.listener("0.0.0.0:22")),
                Samples.process(3, "redis-server", try Samples.listener("127.0.0.1:6379")),
                Samples.process(4, "web", try Samples.listener("192.0.2.1:80")),
                Samples.process(5, "other", try Samples.listener("127.5.5.5:5005")),
            ], own: own)
        #expect(places.map(\.target.description) == ["127.0.0.1:6379"])
        let text = Banner(
            home: "/home/x/.dtm", configuration: nil, warnings: [], sockets: ["/home/x/.dtm/run/control.sock"],
            tunnels: [],
            places: places
        ).text
        #expect(text.contains("dtm protect 127.0.0.1:6379 --name redis   # redis-server, pid 3, user user1000"))
        #expect(text.contains("dtm connect redis --listen 127.0.0.1:0"))
        #expect(text.contains("ephemeral"))
    }
}
