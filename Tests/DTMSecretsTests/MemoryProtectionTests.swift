import CSodium
import Glibc
import Testing

@testable import DTMSecrets

@Suite struct MemoryProtectionTests {
    @Test(arguments: MemoryProtection.Backing.allCases)
    func `Either kind of memory seals and opens`(backing: MemoryProtection.Backing) throws {
        let vault = try SecretVault([backing])
        #expect(vault.backing == backing)
        let sealed = vault.seal(3) { $0.copyBytes(from: [1, 2, 3]) }
        #expect(vault.open(sealed) { Array($0) } == [1, 2, 3])
        #expect(ProtectionCheck.violations(of: vault.ranges) == [])
        let region = try vault.makeRegion(5_000)
        #expect(region.count == 8_192)
        #expect(vault.status.largeBytes == 8_192)
    }

    @Test func `What is sealed shows nothing of itself, and differs each time`() throws {
        let vault = try SecretVault([.locked])
        let plain = [UInt8](repeating: 0x5a, count: 64)
        let places = (0..<2).map { _ in vault.seal(64) { $0.copyBytes(from: plain) } }
        let raw = places.map(\.raw)
        #expect(raw[0] != raw[1])
        #expect(raw.allSatisfy { !$0.contains(subsequence: Array(plain.prefix(4))) })
        // The check can fail: it finds what is there.
        #expect(plain.contains(subsequence: Array(plain.prefix(4))))
    }

    @Test func `A lost protection is told`() throws {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let bare = try #require(mmap(nil, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(bare, page) }
        let start = UInt(bitPattern: bare)
        let told = try #require(ProtectionCheck.violations(of: [(start..<start + UInt(page), .locked)]))
        #expect(told.contains { $0.contains("dumped or swapped") })
        #expect(told.contains { $0.contains("copied to a child") })
        let gone = try #require(ProtectionCheck.violations(of: [(4_096..<8_192, .secret)]))
        #expect(gone == ["protected memory is no longer mapped"])
        #expect(ProtectionCheck.violations(of: [(0..<1, .secret)], table: { nil }) == nil)
    }

    @Test func `Passwords have 32 characters of all four classes`() throws {
        var seen: Set<[UInt8]> = []
        for _ in 0..<200 {
            let password = try RuntimePassword.generate().withBytes { span in span.withUnsafeBytes { Array($0) } }
            #expect(password.count == 32)
            for alphabet in RuntimePassword.classes { #expect(password.contains { alphabet.contains($0) }) }
            #expect(password.allSatisfy { byte in RuntimePassword.classes.contains { $0.contains(byte) } })
            seen.insert(password)
        }
        #expect(seen.count == 200)
    }

    /// Each class is as likely at the first place as its share of all draws: the order is drawn too.
    @Test func `The classes that are sure to come come anywhere`() throws {
        var first: [Int: Int] = [:]
        for _ in 0..<2_000 {
            let byte = try RuntimePassword.generate().withBytes { span in span.withUnsafeBytes { $0[0] } }
            first[try #require(RuntimePassword.classes.firstIndex { $0.contains(byte) }), default: 0] += 1
        }
        // A tenth of the characters of all classes are digits; 1 + 28 × 8 ÷ 67 of 32 are: 13.6 %, so 272 here.
        #expect((150...400).contains(first[2] ?? 0))
        #expect(first.count == 4)
    }

    @Test func `Runtime ids are 32 bytes, and differ`() {
        let ids = Set((0..<100).map { _ in RuntimeID() })
        #expect(ids.count == 100)
        #expect(ids.allSatisfy { $0.bytes.count == 32 && $0.description.count == 64 })
    }
}

extension [UInt8] {
    fileprivate func contains(subsequence: [UInt8]) -> Bool {
        indices.contains { self[$0...].starts(with: subsequence) }
    }
}
