import Crypto
import DTMCore
import FoundationEssentials
import SwiftASN1
import Testing
import X509

@testable import DTMCertificates

@Suite struct LeafKeyTests {
    @Test func `A signature over data that is not hashed yet verifies under the public key`() throws {
        let key = try LeafKey()
        let publicKey = try P256.Signing.PublicKey(derRepresentation: key.publicKeyDER)
        for length in [0, 1, 64, 130, 100_000] {
            let message = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
            let signature = try P256.Signing.ECDSASignature(derRepresentation: key.signature(over: message))
            #expect(publicKey.isValidSignature(signature, for: message))
            #expect(!publicKey.isValidSignature(signature, for: message + [0]))
        }
    }

    @Test func `Bytes that do not lie in one piece are signed as well`() throws {
        let key = try LeafKey()
        let publicKey = try P256.Signing.PublicKey(derRepresentation: key.publicKeyDER)
        let signature = try P256.Signing.ECDSASignature(
            derRepresentation: key.signature(over: sequence(first: UInt8(1)) { $0 < 90 ? $0 + 1 : nil }))
        #expect(publicKey.isValidSignature(signature, for: (1...90).map { UInt8($0) }))
    }

    @Test func `Two keys are never the same`() throws {
        #expect(try LeafKey().publicKeyDER != LeafKey().publicKeyDER)
    }

    @Test func `A request names nobody, asks for nothing, and is signed by its key`() throws {
        let key = try LeafKey()
        let request = try CertificateSigningRequest(derEncoded: key.certificateRequest())
        #expect(request.subject.isEmpty)
        #expect(request.attributes.isEmpty)
        #expect(request.publicKey.isValidSignature(request.signature, for: request))
        #expect(try DER.encoding(of: request.publicKey) == key.publicKeyDER)
    }

    @Test func `Several threads may sign with one key at once`() async throws {
        let key = try LeafKey()
        let publicKey = try P256.Signing.PublicKey(derRepresentation: key.publicKeyDER)
        let valid = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<64 {
                group.addTask {
                    let message = [UInt8(number)]
                    let signature = try P256.Signing.ECDSASignature(
                        derRepresentation: key.signature(over: message))
                    return publicKey.isValidSignature(signature, for: message)
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(valid == 64)
    }
}
