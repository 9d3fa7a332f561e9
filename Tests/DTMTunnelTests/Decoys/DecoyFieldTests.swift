import DTMCore
import DTMSecrets
import DTMTestSupport
import Testing

@testable import DTMTunnel

@Suite("The field of decoys")
struct DecoyFieldTests {
    static func schedule(_ mode: AddressMode = .hop, ports: ClosedRange<UInt16> = 5_000...6_000) throws
        -> EndpointSchedule
    {
        try EndpointSchedule(
            parameters: ScheduleParameters(
                intervalMilliseconds: 10_000, lowestPort: ports.lowerBound, highestPort: ports.upperBound,
                skippedPorts: [5_432, 5_900].filter(ports.contains), addressMode: mode))
    }

    @Test("as many as are wanted listen at every moment of 10,000 rotations, whatever opens fail")
    func constant() throws {
        for (decoys, rotations) in [(7, 10_000), (31, 1_000)] {
            var world = DecoyWorld(seed: 7, decoys: decoys, schedule: try Self.schedule())
            world.watch()
            world.trouble = .init(taken: 15, system: 5, unanswered: 1)
            for _ in 0..<rotations { world.advance(by: .seconds(10)) }
            #expect(world.fewest == decoys)
            #expect(world.most <= 2 * decoys)
            #expect(world.failures > rotations / 10)
            print("\(decoys) wanted, \(world.most) at most, \(world.failures) opens failed")
        }
    }

    @Test("one that is lost is replaced at once; more come at once, fewer go in a while, none at the end")
    func changes() throws {
        var world = DecoyWorld(seed: 3, decoys: 20, schedule: try Self.schedule())
        let lost = try #require(world.decoys.keys.min { $0.number < $1.number })
        world.deliver(.gone(lost))
        #expect((20...30).contains(world.field.count) && world.field.filled == 20)
        world.deliver(.wanted(.init(decoys: 100, sentinels: 2)))
        #expect(world.field.filled == 102)
        let count = world.field.count
        world.deliver(.wanted(.init(decoys: 100, sentinels: 2)))
        #expect((102...140).contains(count) && world.field.count == count)
        world.deliver(.wanted(.init(decoys: 5)))
        #expect(world.field.filled == 5 && world.field.count > 50)
        world.advance(by: .seconds(30))
        #expect(world.field.count < 12)
        world.deliver(.stop)
        #expect(world.decoys.count <= 1 && world.field.nextDeadline == nil)
    }

    @Test("sentinels are at 127.0.0.1 and leave a port within an interval")
    func sentinels() throws {
        var world = DecoyWorld(seed: 5, decoys: 0, schedule: try Self.schedule())
        world.deliver(.wanted(.init(decoys: 0, sentinels: 3)))
        world.advance(by: .seconds(300))
        #expect(world.field.filled == 3)
        #expect(world.drawn.allSatisfy { $0.address == EndpointSchedule.firstLoopbackAddress })
        #expect(world.lives.count > 60)
        #expect(world.lives.allSatisfy { $0.seconds <= 10.001 })
    }

    @Test("with a fixed address, decoys take all ports as they come, and go on moving")
    func saturation() throws {
        var world = DecoyWorld(seed: 9, decoys: 1_000, schedule: try Self.schedule(.fixed, ports: 5_000...5_049))
        #expect((40...50).contains(Set(world.decoys.values).count))
        world.watch()
        world.advance(by: .seconds(1_000))
        #expect(world.fewest >= 40 && world.most > 45 && world.most <= 50)
        #expect(Set(world.drawn).count == 50 && world.lives.count > 500)
    }

    @Test("when ports are taken out of the schedule, decoys leave them at once")
    func schedule() throws {
        var world = DecoyWorld(seed: 11, decoys: 200, schedule: try Self.schedule())
        world.deliver(.schedule(try Self.schedule(ports: 5_500...5_600)))
        let lows = world.decoys.values.filter { !(5_500...5_600).contains($0.port) }
        #expect(lows.isEmpty && world.decoys.count >= 200)
    }

    @Test("a forced rotation moves a like part of the decoys at once")
    func forced() throws {
        var world = DecoyWorld(seed: 13, decoys: 100, schedule: try Self.schedule())
        world.advance(by: .seconds(95))
        let before = Set(world.decoys.keys)
        world.deliver(.forced)
        let born = Set(world.decoys.keys).subtracting(before)
        #expect((30...40).contains(born.count))
        world.watch()
        world.advance(by: .seconds(200))
        #expect(world.fewest >= 100)
    }

    @Test("decoys are born, live and close as the listeners of a rotation do")
    func lives() throws {
        var world = DecoyWorld(seed: 17, decoys: 31, rotates: true, schedule: try Self.schedule())
        world.advance(by: .seconds(200))
        let (skipped, skippedRotation) = (world.lives.count, world.rotationLives.count)
        world.advance(by: .seconds(30_000))
        let decoys = Array(world.lives.dropFirst(skipped))
        let rotation = Array(world.rotationLives.dropFirst(skippedRotation))
        #expect(decoys.count > 20_000 && rotation.count > 2_900)
        for (what, figure) in [("birth", \DecoyWorld.Life.phase), ("age", \.seconds), ("end", \.lastPhase)] {
            let (distance, bound) = Distribution.distance(
                decoys.map { $0[keyPath: figure] }, rotation.map { $0[keyPath: figure] })
            print("\(what): distance \(distance), bound \(bound)")
            #expect(distance < bound, "\(what)")
        }
    }

    @Test("decoys are spread over ports and addresses as the schedule spreads endpoints")
    func places() throws {
        let schedule = try Self.schedule()
        var world = DecoyWorld(seed: 19, decoys: 31, schedule: schedule)
        world.advance(by: .seconds(15_000))
        let key = try SecretBytes(count: 32) { $0.copyBytes(from: Array(0..<32)) }
        let live = (UInt64(0)..<20_000).compactMap { epoch in
            schedule.candidate(0, turn: ScheduleTurn(epoch: epoch, generation: 0), windowKey: key)
        }
        for endpoints in [world.drawn, live] {
            var (ports, addresses) = ([Int](repeating: 0, count: 16), [Int](repeating: 0, count: 16))
            for endpoint in endpoints {
                guard case .v4(let address) = endpoint.address else { continue }
                // 999 ports that are used; their last seven make no whole class.
                let index = Int(endpoint.port - 5_000)
                if index < 992 { ports[index / 62] += 1 }
                addresses[Int(address >> 20 & 15)] += 1
            }
            #expect(endpoints.count > 15_000)
            #expect(!endpoints.contains { [5_432, 5_900].contains($0.port) })
            let (p, a) = (Distribution.chiSquare(ports), Distribution.chiSquare(addresses))
            print("chi-square of ports \(p), of addresses \(a), bound \(Distribution.bound16)")
            #expect(a < Distribution.bound16)
            // Two classes lack one port of 62 each: 15,000 draws can't tell.
            #expect(p < Distribution.bound16)
        }
        let both = Distribution.distance(
            world.drawn.map { Double($0.port) }, live.map { Double($0.port) })
        #expect(both.distance < both.bound)
    }
}
