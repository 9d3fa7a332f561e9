import DTMSecrets
import Testing

@testable import DTMState

func secret(_ bytes: some Collection<UInt8>) throws -> SharedSecret {
    SharedSecret(try SecretBytes(count: bytes.count) { $0.copyBytes(from: bytes) })
}

func password(_ text: String) throws -> SharedSecret { try secret(Array(text.utf8)) }

/// For tests of what can be seen: real secrets do not leave their memory like this.
func copy(_ secret: SharedSecret) -> [UInt8] {
    secret.bytes.withBytes { span in span.withUnsafeBytes { Array($0) } }
}

func bytes(_ count: Int, seed: Int = 7) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8) &+ seed) }
}

/// Expects a failure with a code, and a message and a hint that say something.
func expectFailure<Value>(
    _ code: OpenPGPError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Value
) {
    do {
        _ = try body()
        Issue.record("did not fail with \(code)", sourceLocation: sourceLocation)
    } catch let error as OpenPGPError {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
        #expect(!error.message.isEmpty && error.hint?.isEmpty == false, sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
    }
}
