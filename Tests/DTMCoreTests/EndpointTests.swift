import DTMTestSupport
import DTMCore
import Testing

@Suite struct EndpointTests {
    @Test(
        "An endpoint is read and written in one form",
        arguments: [
            ("127.0.0.1:5000", "127.0.0.1:5000"), ("0.0.0.0:0", "0.0.0.0:0"), ("[::1]:65535", "[::1]:65535"),
            ("[0:0:0:0:0:0:0:1]:80", "[::1]:80"), ("[2001:DB8::1]:05", "[2001:db8::1]:5"),
            ("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1"),
        ])
    func reads(text: String, canonical: String) {
        let endpoint = Endpoint(text)
        #expect(endpoint?.description == canonical)
        #expect(Endpoint(canonical) == endpoint)
    }

    @Test(
        "What is no endpoint is refused",
        arguments: [
            "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:000080", "127.0.0.1:-1", "127.0.0.1:+1",
            "127.0.0.1: 80", "127.0.0.1:８0", "127.1:80", "127.0.0.01:80", "256.0.0.1:80", "::1:80", "[::1]", "[::1]80",
            "[::1:80", "::1]:80", "[]:80", "[127.0.0.1]:80", "[fe80::1%lo]:80", "[::1]\0:80", "localhost:80",
            "[[::1]]:80",
        ])
    func refuses(text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test("Every address that is written is read back")
    func roundTrip() {
        var generator = SeededGenerator(seed: 3)
        for round in SeededGenerator.rounds(5_000) {
            let address: IPAddress =
                round.isMultiple(of: 2)
                ? .v4(.random(in: .min ... .max, using: &generator))
                : .v6(
                    high: generator.next() & generator.next() & generator.next(),
                    low: generator.next() & generator.next())
            let endpoint = Endpoint(address: address, port: .random(in: 0...65_535, using: &generator))
            #expect(IPAddress(address.description) == address)
            #expect(Endpoint(endpoint.description) == endpoint)
        }
    }

    @Test("Loopback is 127.0.0.0/8 and ::1; any is all zeros")
    func classes() {
        #expect(IPAddress("127.0.0.1")?.isLoopback == true)
        #expect(IPAddress("127.255.255.254")?.isLoopback == true)
        #expect(IPAddress("128.0.0.1")?.isLoopback == false)
        #expect(IPAddress("::1")?.isLoopback == true)
        #expect(IPAddress("::2")?.isLoopback == false)
        #expect(IPAddress("::ffff:127.0.0.1")?.isLoopback == false)
        #expect(IPAddress("0.0.0.0")?.isAny == true)
        #expect(IPAddress("::")?.isAny == true)
        #expect(IPAddress("::1")?.isAny == false)
    }
}

@Suite struct TargetTests {
    @Test(
        "A target is read and written",
        arguments: [
            "localhost:6379", "127.0.0.1:80", "[::1]:80", "a-b.example:1", "my_service:5432", "3f2a9c01:80",
            "4.example:80",
            "unix:/run/app.sock", "unix:/run/ünï:cødé/x",
        ])
    func reads(text: String) {
        #expect(Target(text)?.description == text)
    }

    @Test(
        "What is no target is refused",
        arguments: [
            "", "localhost", "localhost:0", "localhost:65536", ":80", "-a:80", "a-:80", "a..b:80", ".a:80", "a b:80",
            "ä:80",
            "[localhost]:80", "[127.0.0.1]:80", "http://a:80", "a/b:80", "unix:", "unix:run/x", "unix:/a\0b", "a\0:80",
        ])
    func refuses(text: String) {
        #expect(Target(text) == nil)
    }

    @Test(
        "A name that resolvers read as a number is no name",
        arguments: [
            "1:80", "127.1:80", "2130706433:80", "0x7f000001:80", "0x7f.1:80", "017700000001:80", "a.1:80", "1.0X7F:80",
        ])
    func refusesNumbers(text: String) {
        #expect(Target(text) == nil)
    }

    @Test("Lengths are bounded as their systems bound them")
    func lengths() {
        let label = String(repeating: "a", count: 63)
        #expect(Target("\(label):1") != nil)
        #expect(Target("\(label)a:1") == nil)
        let longest = "\(label).\(label).\(label).\(String(repeating: "b", count: 61))"
        #expect(Target("\(longest):1") != nil)
        #expect(Target("\(longest)b:1") == nil)
        #expect(Target("unix:/" + String(repeating: "x", count: 106)) != nil)
        #expect(Target("unix:/" + String(repeating: "x", count: 107)) == nil)
        #expect(Target("unix:/" + String(repeating: "é", count: 54)) == nil)
    }

    @Test("No text traps, and what is read is written in a form that is read again")
    func survivesRandomText() {
        var generator = SeededGenerator(seed: 4)
        for _ in SeededGenerator.rounds(20_000) {
            let text = generator.text(of: "unix:/[]:::..0123456789abcfx-_é\u{301}\0", lengths: 0...24)
            if let target = Target(text) { #expect(Target(target.description) == target) }
            if let endpoint = Endpoint(text) { #expect(Endpoint(endpoint.description) == endpoint) }
        }
    }
}
