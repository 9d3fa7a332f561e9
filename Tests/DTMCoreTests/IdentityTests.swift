import DTMTestSupport
import DTMCore
import Testing

@Suite struct TunnelNameTests {
    @Test("A name is what its rule says", arguments: ["a", "0", "redis", "a.b-c_d", "9lives"])
    func accepts(text: String) {
        #expect(TunnelName(text)?.text == text)
    }

    @Test(
        "Anything else is no name",
        arguments: ["", ".", "..", "-a", "_a", "A", "a b", "a/b", "é", "a\0", "a\n", "ａ", "../etc", "e\u{301}"])
    func refuses(text: String) {
        #expect(TunnelName(text) == nil)
    }

    @Test("A name has at most 63 characters")
    func length() {
        #expect(TunnelName(String(repeating: "a", count: 63)) != nil)
        #expect(TunnelName(String(repeating: "a", count: 64)) == nil)
    }
}

@Suite struct TunnelIDTests {
    @Test("An id is 16 bytes, most significant first, and 32 digits")
    func forms() throws {
        let id = TunnelID(high: 0x0001_0203_0405_0607, low: 0x0809_0a0b_0c0d_0e0f)
        #expect(id.bytes == Array(0...15))
        #expect(id.description == "000102030405060708090a0b0c0d0e0f")
        #expect(TunnelID(bytes: id.bytes) == id)
        #expect(TunnelID("000102030405060708090A0B0C0D0E0F") == id)
    }

    @Test("What is not of that length is no id")
    func refuses() {
        #expect(TunnelID(bytes: [UInt8](repeating: 0, count: 15)) == nil)
        #expect(TunnelID(bytes: [UInt8](repeating: 0, count: 17)) == nil)
        #expect(TunnelID("") == nil)
        #expect(TunnelID("0001") == nil)
        #expect(TunnelID(String(repeating: "g", count: 32)) == nil)
    }

    @Test("Random ids differ, and go through their text and their bytes")
    func random() {
        let ids = (0..<1_000).map { _ in TunnelID.random() }
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy { TunnelID($0.description) == $0 && TunnelID(bytes: $0.bytes) == $0 })
    }
}

@Suite struct SPIFFEIDTests {
    @Test(
        "An id goes through its text",
        arguments: ["spiffe://td/a", "spiffe://a.b-c_9/tunnel/00ff", "spiffe://td/A/b.c/-"])
    func reads(text: String) {
        #expect(SPIFFEID(text)?.description == text)
    }

    @Test(
        "What breaks the specification is refused",
        arguments: [
            "", "spiffe://", "spiffe://td", "spiffe://td/", "spiffe:///a", "spiffe://td//a", "spiffe://td/a/",
            "spiffe://td/./a",
            "spiffe://td/../a", "spiffe://TD/a", "spiffe://td:80/a", "spiffe://u@td/a", "spiffe://td/a?q",
            "spiffe://td/a#f",
            "spiffe://td/a%20b", "spiffe://td/é", "spiffe://tđ/a", "SPIFFE://td/a", "https://td/a", "spiffe:/td/a",
            " spiffe://td/a",
            "spiffe://td/a\0", "spiffe://td/\u{301}a", "spiffe://td/a/\u{301}",
        ])
    func refuses(text: String) {
        #expect(SPIFFEID(text) == nil)
    }

    @Test("Lengths are bounded: 255 bytes of trust domain, 2048 in all")
    func lengths() {
        let domain = String(repeating: "d", count: 255)
        #expect(SPIFFEID(trustDomain: domain, segments: ["a"]) != nil)
        #expect(SPIFFEID(trustDomain: domain + "d", segments: ["a"]) == nil)
        let prefix = "spiffe://td/".utf8.count
        #expect(SPIFFEID(trustDomain: "td", segments: [String(repeating: "a", count: 2_048 - prefix)]) != nil)
        #expect(SPIFFEID(trustDomain: "td", segments: [String(repeating: "a", count: 2_049 - prefix)]) == nil)
    }

    @Test("A client's id names the tunnel that it opens; a listener's opens none")
    func roles() {
        let tunnel = TunnelID(high: 1, low: 2)
        let client = SPIFFEID.client(of: tunnel, who: "uid-1000.4f2a9c01", in: "td")
        #expect(client?.clientTunnel == tunnel)
        #expect(client?.description == "spiffe://td/client/00000000000000010000000000000002/uid-1000.4f2a9c01")
        #expect(SPIFFEID.tunnel(tunnel, in: "td")?.clientTunnel == nil)
        #expect(SPIFFEID("spiffe://td/client/xyz/who")?.clientTunnel == nil)
        #expect(SPIFFEID("spiffe://td/client/00000000000000010000000000000002")?.clientTunnel == nil)
        #expect(SPIFFEID.client(of: tunnel, who: "../tunnel", in: "td") == nil)
        #expect(SPIFFEID.client(of: tunnel, who: "", in: "td") == nil)
    }

    @Test("No text traps, and what is read is written as it was")
    func survivesRandomText() {
        var generator = SeededGenerator(seed: 5)
        for _ in SeededGenerator.rounds(20_000) {
            let text = "spiffe://" + generator.text(of: "abz09.-_//A:@?%é", lengths: 0...20)
            if let id = SPIFFEID(text) { #expect(id.description == text) }
        }
    }
}

@Suite struct SerialNumberTests {
    @Test("Leading zeros do not count")
    func canonical() {
        #expect(SerialNumber(bytes: [0, 0, 1, 0])?.bytes == [1, 0])
        #expect(SerialNumber("0001") == SerialNumber("01"))
        #expect(SerialNumber("00ff")?.description == "ff")
    }

    @Test("A serial has 1 to 20 bytes and is not zero")
    func bounds() {
        #expect(SerialNumber(bytes: []) == nil)
        #expect(SerialNumber(bytes: [0, 0]) == nil)
        #expect(SerialNumber(bytes: [UInt8](repeating: 0xff, count: 20)) != nil)
        #expect(SerialNumber(bytes: [UInt8](repeating: 0xff, count: 21)) == nil)
        #expect(SerialNumber(bytes: [0] + [UInt8](repeating: 0xff, count: 20)) != nil)
        #expect(SerialNumber("f") == nil)
        #expect(SerialNumber("") == nil)
    }
}

@Suite struct HexadecimalTests {
    @Test("Bytes go through their digits")
    func roundTrip() {
        var generator = SeededGenerator(seed: 6)
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            #expect(Hexadecimal.decode(Hexadecimal.encode(bytes)) == bytes)
        }
        #expect(Hexadecimal.encode([0x00, 0x0f, 0xa0, 0xff]) == "000fa0ff")
        #expect(Hexadecimal.decode("AbCd") == [0xab, 0xcd])
    }

    @Test("Anything but pairs of digits is refused", arguments: ["0", "0g", "0x", " 0", "é", "００", "0\0"])
    func refuses(text: String) {
        #expect(Hexadecimal.decode(text) == nil)
    }
}
