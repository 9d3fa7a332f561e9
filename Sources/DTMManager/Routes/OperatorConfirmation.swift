import DTMCore
import DTMPolicy
import DTMSecrets
import DTMState
import HTTPTypes
import Hummingbird
import NIOCore

/// The passphrase that comes with a request: its body, as bytes, and nothing else in it.
enum OperatorConfirmation {
    /// Whether the body is one.
    static func isGiven(with request: Request) -> Bool { request.headers[.contentType] == AnswerWipe.secretType }

    /// Takes it from the network's buffers straight into protected memory, and overwrites them. The kernel's copies, and
    /// what the HTTP parser read ahead, are out of reach.
    ///
    /// - Returns: Nil when none was given.
    /// - Throws: `request.too_large`, `request.invalid`.
    static func read(from request: Request) async throws -> UnlockSecret? {
        guard isGiven(with: request) else { return nil }
        var chunks: [ByteBuffer] = []
        defer { for chunk in chunks { AnswerWipe.wipe(chunk) } }
        var count = 0
        for try await chunk in request.body {
            chunks.append(chunk)
            count += chunk.readableBytes
            guard count <= UnlockSecret.maximumBytes else { throw APIRequest.tooLarge }
        }
        guard count > 0 else { return nil }
        return try UnlockSecret(
            SharedSecret(
                try SecretBytes(count: count) { target in
                    var start = 0
                    for chunk in chunks {
                        chunk.withUnsafeReadableBytes { bytes in
                            UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(from: bytes)
                            start += bytes.count
                        }
                    }
                }))
    }
}

extension ControlParts {
    /// What lowers protection goes through this: the caller may steer, and, when state is sealed, knows the operator's
    /// passphrase.
    ///
    /// - Throws: `permission.denied`, and what ``OperatorCheck/require(_:of:)`` throws.
    func requireOperator(_ request: Request, _ caller: LocalCaller) async throws {
        try requireSteering(caller)
        // It is read in any case: what nobody asked for is overwritten, too.
        let secret = try await OperatorConfirmation.read(from: request)
        try await operatorCheck?.require(secret, of: caller)
    }
}
