import DTMTestSupport
import DTMCore
import DTMSecrets
import Testing

@testable import DTMTunnel

@Suite("The endpoint schedule")
struct ScheduleTests {
    private static func parameters(
        interval: UInt32 = 10_000, _ low: UInt16 = 5000, _ high: UInt16 = 6000, skipped: [UInt16] = [],
        mode: AddressMode = .fixed
    ) -> ScheduleParameters {
        ScheduleParameters(
            intervalMilliseconds: interval, lowestPort: low, highestPort: high, skippedPorts: skipped, addressMode: mode
        )
    }

    private static let turn = ScheduleTurn(epoch: 176_000_000, generation: 3)

    @Test("Candidates are a permutation of the ports that are not skipped")
    func permutation() throws {
        let skipped: [UInt16] = [4999, 5000, 5432, 6000, 6001]
        let schedule = try EndpointSchedule(parameters: Self.parameters(skipped: skipped))
        let key = try SecretBytes(randomCount: 32)
        let ports = schedule.candidates(turn: Self.turn, windowKey: key, limit: .max).map(\.port)
        #expect(schedule.portCount == 998)
        #expect(ports.sorted() == (5000...6000).filter { !skipped.contains($0) })
        #expect(ports != ports.sorted())
    }

    @Test(
        "A part of the list is what the whole list has there",
        arguments: [(0, 32), (1, 1), (31, 2), (995, 99), (997, 1)])
    func parts(first: Int, limit: Int) throws {
        let schedule = try EndpointSchedule(
            parameters: Self.parameters(skipped: [5000, 5432, 6000], mode: .hop))
        let key = try SecretBytes(randomCount: 32)
        let whole = schedule.candidates(turn: Self.turn, windowKey: key, limit: .max)
        let part = schedule.candidates(turn: Self.turn, windowKey: key, first: first, limit: limit)
        #expect(part == Array(whole.dropFirst(first).prefix(limit)))
        #expect(schedule.candidate(first, turn: Self.turn, windowKey: key) == whole[first])
    }

    @Test("Beyond the list, and for a limit below one, there is nothing")
    func nothing() throws {
        let schedule = try EndpointSchedule(parameters: Self.parameters(7000, 7003))
        let key = try SecretBytes(randomCount: 32)
        #expect(schedule.candidates(turn: Self.turn, windowKey: key, first: 4).isEmpty)
        #expect(schedule.candidates(turn: Self.turn, windowKey: key, first: -1).isEmpty)
        #expect(schedule.candidates(turn: Self.turn, windowKey: key, limit: 0).isEmpty)
        #expect(schedule.candidate(.max, turn: Self.turn, windowKey: key) == nil)
    }

    @Test("Epoch, generation and key each lead to another list")
    func dependence() throws {
        let schedule = try EndpointSchedule(parameters: Self.parameters())
        let key = try SecretBytes(randomCount: 32)
        let lists = [
            schedule.candidates(turn: Self.turn, windowKey: key),
            schedule.candidates(turn: ScheduleTurn(epoch: 176_000_001, generation: 3), windowKey: key),
            schedule.candidates(turn: ScheduleTurn(epoch: 176_000_000, generation: 4), windowKey: key),
            schedule.candidates(turn: Self.turn, windowKey: try SecretBytes(randomCount: 32)),
        ]
        #expect(Set(lists).count == lists.count)
    }

    @Test("Hopping addresses stay within 127.0.1.0–127.255.255.254 and rarely repeat")
    func hopping() throws {
        let schedule = try EndpointSchedule(parameters: Self.parameters(1, 65_535, mode: .hop))
        let key = try SecretBytes(randomCount: 32)
        let addresses = schedule.candidates(turn: Self.turn, windowKey: key, limit: 4_096).map(\.address)
        let allowed = 0x7f00_0100...0x7fff_fffe as ClosedRange<UInt32>
        for case .v4(let value) in addresses { #expect(allowed.contains(value)) }
        #expect(Set(addresses).count > 4_080)
    }

    @Test("The first candidate is spread evenly over the range")
    func evenness() throws {
        let schedule = try EndpointSchedule(parameters: Self.parameters(7000, 7009))
        let key = try SecretBytes(count: 32) { $0.copyBytes(from: (0..<32).map(UInt8.init)) }
        var counts: [UInt16: Int] = [:]
        for epoch in UInt64(0)..<10_000 {
            let turn = ScheduleTurn(epoch: epoch, generation: 0)
            if let first = schedule.candidate(0, turn: turn, windowKey: key) { counts[first.port, default: 0] += 1 }
        }
        // Binomial with a standard deviation of 30: five of them. The key is fixed, so this can't fail by chance.
        #expect(counts.count == 10)
        #expect(counts.values.allSatisfy { abs($0 - 1_000) < 150 })
    }

    @Test("A shuffle with its few kept entries deals what the plain one deals")
    func shuffle() {
        var generator = SeededGenerator(seed: 7)
        for count in [1, 2, 3, 17, 300] {
            var plain = (0..<count).map { UInt16($0 + 1) }
            var shuffle = PortShuffle(ports: plain)
            for place in plain.indices {
                let draw = UInt64.random(in: 0 ... .max, using: &generator)
                plain.swapAt(place, place + Int(draw % UInt64(count - place)))
                #expect(shuffle.next(draw) == plain[place])
            }
            #expect(shuffle.next(0) == nil)
        }
    }

    @Test(
        "Parameters that make no schedule are refused by name",
        arguments: [
            (parameters(6000, 5000), TunnelError.Code.scheduleRange),
            (parameters(0, 5000), .scheduleRange),
            (parameters(interval: 199), .scheduleInterval),
            (parameters(skipped: [5001, 5001]), .scheduleSkipped),
            (parameters(skipped: [5002, 5001]), .scheduleSkipped),
            (parameters(5000, 5001, skipped: [5000, 5001]), .scheduleNoPort),
        ])
    func refusals(parameters: ScheduleParameters, code: TunnelError.Code) {
        #expect(throws: TunnelError(code: code, message: "")) { try EndpointSchedule(parameters: parameters) }
    }

    @Test("The whole range of ports and the shortest interval are allowed")
    func extremes() throws {
        #expect(try EndpointSchedule(parameters: Self.parameters(interval: 200, 1, 65_535)).portCount == 65_535)
        #expect(try EndpointSchedule(parameters: Self.parameters(65_535, 65_535)).portCount == 1)
    }
}

@Suite("The search for an endpoint")
struct ScheduleSearchTests {
    @Test("The expected turn comes first and last, and no candidate comes twice")
    func order() {
        let steps = ScheduleSearch.steps(epoch: 9, generation: 2)
        let expected = ScheduleTurn(epoch: 9, generation: 2)
        #expect(steps.first?.turn == expected)
        #expect(steps.last?.turn == expected)
        #expect(steps.last?.candidates.upperBound == EndpointSchedule.maximumCandidates)
        let all = steps.flatMap { step in
            step.candidates.map { [step.turn.epoch, UInt64(step.turn.generation), UInt64($0)] }
        }
        #expect(Set(all).count == all.count)
    }

    @Test("Forced rotations that were not heard of are looked for")
    func lookAhead() {
        let generations = ScheduleSearch.steps(epoch: 9, generation: 2).filter { $0.turn.epoch == 9 }.map(
            \.turn.generation)
        #expect(Set(generations) == [2, 3, 4, 5])
    }

    @Test("At the ends of the numbers nothing overflows")
    func ends() {
        #expect(ScheduleSearch.steps(epoch: 0, generation: .max).map(\.turn.epoch) == [0, 1, 0])
        #expect(ScheduleSearch.steps(epoch: .max, generation: .max - 1).allSatisfy { $0.turn.epoch >= .max - 1 })
    }
}
