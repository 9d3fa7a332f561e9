import DTMAPI
import DTMCertificates
import DTMCore
import DTMPlan
import Testing

@testable import DTMManager

@Suite struct CertificateServiceTests {
    private let clock = HeldClock()
    private let tunnel = TunnelID.random()

    private func service() throws -> CertificateService {
        try CertificateService(policy: .defaults, clock: clock, recorder: Samples.recorder(clock))
    }

    @Test func `listeners and probes get identities that say nothing but the tunnel's id`() async throws {
        let service = try service()
        let request = try LeafKey().certificateRequest()
        let first = try await service.issue(request, to: .listener(tunnel))
        #expect(first.figures.renewals == 0)
        let second = try await service.issue(request, to: .listener(tunnel))
        #expect(second.figures.renewals == 1)
        _ = try await service.issue(request, to: .probe(tunnel))
        let list = await service.list(names: [tunnel: try found(TunnelName("redis"))])
        #expect(list.certificates.map(\.role) == ["authority", "listener", "listener", "probe"])
        #expect(list.certificates[1].identity == "spiffe://\(list.trustDomain)/tunnel/\(tunnel)")
        #expect(list.certificates[1].tunnel == "redis")
        #expect(list.certificates.allSatisfy { $0.status == "valid" })
    }

    @Test func `a revoked identity gets no further certificate, and peers hear of it`() async throws {
        let service = try service()
        let request = try LeafKey().certificateRequest()
        let leaf = try await service.issue(request, toClientOf: tunnel, who: "uid-1000.0123456789abcdef")
        let before = await service.snapshot
        let revocation = try await service.revoke(leaf.identity.description, names: [:])
        #expect(revocation.tunnels == [tunnel])
        #expect(revocation.certificates.map(\.status) == ["revoked"])
        let after = await service.snapshot
        #expect(after.revision > before.revision)
        #expect(after.revokedIdentities == [leaf.identity.description])
        await #expect(throws: ManagerError(.identityRevoked, "")) {
            try await service.issue(request, toClientOf: tunnel, who: "uid-1000.0123456789abcdef")
        }
        _ = try await service.issue(request, toClientOf: tunnel, who: "uid-1000.fedcba9876543210")
    }

    @Test func `a certificate is revoked by its serial number, for its own time only`() async throws {
        let service = try service()
        let leaf = try await service.issue(
            try LeafKey().certificateRequest(), toClientOf: tunnel, who: "uid-1.0123456789abcdef")
        _ = try await service.revoke(leaf.serial.description, names: [:])
        #expect(await service.snapshot.revokedSerials == [leaf.serial])
    }

    @Test(arguments: ["00ff", "spiffe://elsewhere/client/00000000000000000000000000000000/x"])
    func `what was never issued can't be revoked`(_ subject: String) async throws {
        let service = try service()
        await #expect(throws: ManagerError(.certificateUnknown, "")) { try await service.revoke(subject, names: [:]) }
    }

    @Test func `a subject that is neither a number nor an identity is said to be so`() async throws {
        let service = try service()
        await #expect(throws: ManagerError(.requestInvalid, "")) { try await service.revoke("redis!", names: [:]) }
    }

    @Test func `a request that is none is refused`() async throws {
        let service = try service()
        await #expect(throws: ManagerError(.certificateRequestInvalid, "")) {
            try await service.issue([1, 2, 3], toClientOf: tunnel, who: "uid-1.0123456789abcdef")
        }
    }

    @Test func `the authority is replaced in steps, both being trusted meanwhile`() async throws {
        let service = try service()
        try await service.replaceAuthority(.orderly)
        #expect(await service.snapshot.bundle.count == 2)
        clock.advance(.seconds(31))
        #expect(try await service.advance())
        #expect(await service.authorityReports.map(\.status) == ["valid", "retiring"])
        clock.advance(.seconds(3_601))
        #expect(try await service.advance())
        #expect(await service.snapshot.bundle.count == 1)
        #expect(try await !service.advance())
    }

    @Test func `the bundle is written as PEM, and whole`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/trust-bundle.pem"
        try TrustBundleFile.write([[1, 2, 3], Array(repeating: 7, count: 100)], to: path)
        try TrustBundleFile.write([[1, 2, 3]], to: path)
        #expect(TrustBundleFile.pem([1, 2, 3]) == "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n")
        let long = TrustBundleFile.pem(Array(repeating: 7, count: 100)).split(separator: "\n")
        #expect(long.dropFirst().first?.count == 64)
    }
}
