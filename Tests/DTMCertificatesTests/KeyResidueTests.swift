import DTMCore
import DTMSecrets
import DTMTestSupport
import Testing

@testable import DTMCertificates

/// Looks for a private key in all writable memory of the process, as a core dump would hold it.
@Suite struct KeyResidueTests {
    @Test func `After signing, the private key is in no memory that a dump would hold`() throws {
        // Deep in the stack, so that the search does not overwrite by itself what was left there.
        let key = try MemoryScan.atDepth { try SigningKey.generate() }
        for number in 0..<20 { _ = try MemoryScan.atDepth { try key.signature(over: [UInt8(number)]) } }
        let planted = UnsafeMutableRawBufferPointer.allocate(byteCount: SigningKey.scalarBytes, alignment: 16)
        defer { planted.deallocate() }
        let place = UInt(bitPattern: planted.baseAddress)
        // The check can fail: it finds a copy that somebody made.
        #expect(search(for: key, plantingAt: planted) == [place])
        planted.initializeMemory(as: UInt8.self, repeating: 0)
        #expect(search(for: key, plantingAt: nil).filter { !lending.contains($0) } == [])
    }

    /// The pages in which a key lies open while it is lent, where the kernel gives no secret memory.
    private var lending: Range<UInt> {
        guard MemoryProtection.status?.backing == .locked else { return 0..<0 }
        return (try? SecretBytes(randomCount: 1))?.withBytes { span in
            span.withUnsafeBytes {
                let place = UInt(bitPattern: $0.baseAddress)
                return place - min(place, 1 << 17)..<place + 1 << 17
            }
        } ?? 0..<0
    }

    private func search(for key: SigningKey, plantingAt place: UnsafeMutableRawBufferPointer?) -> [UInt] {
        key.scalar.bytes.withBytes { span in
            span.withUnsafeBytes { bytes in
                if let place { for index in bytes.indices { place[index] = bytes[index] } }
                return MemoryScan.addresses(of: bytes)
            }
        }
    }
}
