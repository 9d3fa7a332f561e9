import DTMTestSupport
import DTMCore
import Testing

@Suite("Well-known ports")
struct ScheduleWellKnownPortsTests {
    @Test("The built-in list ascends without repeats and has the usual services of the default range")
    func builtIn() {
        #expect(WellKnownPorts.builtIn == Set(WellKnownPorts.builtIn).sorted())
        let inRange = WellKnownPorts.skipped(in: 5000...6000)
        #expect(Set(inRange).isSuperset(of: [5000, 5037, 5060, 5173, 5432, 5672, 5900, 6000]))
    }

    @Test("The services list adds its TCP ports, and nothing outside the range")
    func union() {
        let services = WellKnownPorts.tcpPorts(
            ofServices: Array("a 5002/tcp\nb 5003/udp alias\n# c 5004/tcp\nd\t5005/tcp x y # z\nssh 22/tcp".utf8))
        #expect(services == [22, 5002, 5005])
        #expect(WellKnownPorts.skipped(in: 5001...5037, services: services) == [5001, 5002, 5005, 5037])
    }

    @Test(
        "A line that is not of the form is passed over",
        arguments: [
            "", "a", "a b", "a /tcp", "a 0/tcp", "a 65536/tcp", "a 99999999999/tcp", "a -1/tcp", "a 5/tcp/x", "a 5/TCP",
            "a 5 tcp",
            "a 5/", "a +5/tcp", "#a 5/tcp", "a #5/tcp",
        ])
    func malformed(line: String) {
        #expect(WellKnownPorts.tcpPorts(ofServices: Array("\(line)\nok 7/tcp\n".utf8)) == [7])
    }

    @Test("Lines may end as on other systems, and the last needs no end")
    func lineEnds() {
        #expect(WellKnownPorts.tcpPorts(ofServices: Array("a 5/tcp\r\nb 6/tcp".utf8)) == [5, 6])
    }

    @Test("Reading stops at the bound")
    func bound() {
        let filler = [UInt8](repeating: UInt8(ascii: "\n"), count: WellKnownPorts.maximumServicesBytes)
        #expect(WellKnownPorts.tcpPorts(ofServices: filler + Array("a 5/tcp".utf8)).isEmpty)
    }

    @Test("Any bytes are read without a trap, into ascending ports", arguments: 0..<200 as Range<UInt64>)
    func fuzz(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("a1509/tcp \t\n#\r".utf8) + [0, 0xff]
        let text = (0..<2_000).map { _ in
            seed.isMultiple(of: 2)
                ? alphabet.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0...255, using: &generator)
        }
        let ports = WellKnownPorts.tcpPorts(ofServices: text)
        #expect(ports == Set(ports).sorted())
        #expect(!ports.contains(0))
    }
}
