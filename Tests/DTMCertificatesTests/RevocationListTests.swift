import DTMCore
import Testing

@testable import DTMCertificates

private func serial(_ number: Int) throws -> SerialNumber {
    try #require(SerialNumber(bytes: [0x40, UInt8(number >> 8 & 0xff), UInt8(number & 0xff)]))
}

@Suite struct RevocationListTests {
    let now = Fixture.start
    var list = RevocationList()

    @Test mutating func `A serial number is forgotten after its certificate has expired, and not before`() throws {
        let one = try serial(1)
        try list.revoke(one, notAfter: now + .seconds(10), now: now)
        list.prune(now: now + .seconds(10))
        #expect(list.contains(one) && list.serials == [one])
        list.prune(now: now + .seconds(10) + .nanoseconds(1))
        #expect(!list.contains(one) && list.isEmpty)
    }

    @Test mutating func `Revoking again never shortens`() throws {
        let one = try serial(1)
        try list.revoke(one, notAfter: now + .seconds(10), now: now)
        try list.revoke(one, notAfter: now + .seconds(5), now: now)
        list.prune(now: now + .seconds(8))
        #expect(list.contains(one))
    }

    @Test mutating func `An identity stays revoked until its time, or until it is lifted`() throws {
        let forever = try #require(SPIFFEID("spiffe://a/client/x/one"))
        let timed = try #require(SPIFFEID("spiffe://a/client/x/two"))
        try list.revoke(forever, now: now)
        try list.revoke(timed, until: now + .seconds(5), now: now)
        #expect(list.identities == [forever.description, timed.description])
        list.prune(now: now + .seconds(1_000_000))
        #expect(list.contains(forever) && !list.contains(timed))
        let lifted = [list.lift(forever), list.lift(forever)]
        #expect(lifted == [true, false])
        #expect(list.isEmpty)
    }

    @Test mutating func `A full list says so and keeps what it has; what expires makes room`() throws {
        for number in 0..<RevocationList.maximumEntries {
            list = try list.adding(serial(number), notAfter: now + .seconds(10), now: now)
        }
        let error = #expect(throws: CertificatesError.self) {
            _ = try list.adding(serial(60_000), notAfter: now + .seconds(10), now: now)
        }
        #expect(error?.code == .revocationsFull)
        try list.revoke(serial(0), notAfter: now + .seconds(20), now: now)
        #expect(list.serials.count == RevocationList.maximumEntries)
        try list.revoke(serial(60_000), notAfter: now + .seconds(30), now: now + .seconds(11))
        #expect(list.serials == [try serial(0), try serial(60_000)])
    }
}

extension RevocationList {
    fileprivate func adding(_ serial: SerialNumber, notAfter: Timestamp, now: Timestamp) throws -> Self {
        var copy = self
        try copy.revoke(serial, notAfter: notAfter, now: now)
        return copy
    }
}

@Suite struct CertificateLedgerTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @Test func `What was issued is found by serial number and by identity, with its status`() throws {
        var ledger = CertificateLedger()
        let client = try fixture.leaf()
        let listener = try fixture.leaf(fixture.listenerIdentity)
        ledger.record(.init(client, isProbe: true), now: fixture.now)
        ledger.record(.init(listener), now: fixture.now)
        let entry = try #require(ledger.entry(client.serial))
        #expect(entry.role == .probe)
        #expect(try ledger.entries(of: fixture.listenerIdentity).map(\.role) == [.listener])

        var revocations = RevocationList()
        let late = client.notAfter + .seconds(1)
        #expect(CertificateLedger.status(of: entry, revocations: revocations, now: client.notAfter) == .valid)
        #expect(CertificateLedger.status(of: entry, revocations: revocations, now: late) == .expired)
        try revocations.revoke(fixture.clientIdentity, now: fixture.now)
        #expect(CertificateLedger.status(of: entry, revocations: revocations, now: fixture.now) == .revoked)

        ledger.prune(now: late)
        #expect(ledger.entries.isEmpty)
    }

    @Test func `A full ledger lets go of the expired first, then of the oldest`() throws {
        var ledger = CertificateLedger()
        let short = CertificateLedger.Entry(try fixture.leaf(lifetime: .seconds(1)))
        let long = CertificateLedger.Entry(try fixture.leaf())
        for _ in 0..<CertificateLedger.maximumEntries - 1 { ledger.record(long, now: fixture.now) }
        ledger.record(short, now: fixture.now)
        ledger.record(long, now: fixture.now + .seconds(2))
        #expect(ledger.entry(short.serial) == nil)
        ledger.record(short, now: fixture.now)
        #expect(ledger.entries.count == CertificateLedger.maximumEntries)
        #expect(ledger.entries.last?.serial == short.serial)
    }
}
