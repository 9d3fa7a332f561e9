import CRNP
public import DTMSecrets

extension RNPProvider {
    public func open(_ message: [UInt8], with key: OpenPGPKeyPair, signer: OpenPGPPublicKey) throws -> [UInt8] {
        let outline = try OpenPGPMessageOutline(of: message)
        let clock = clock
        return try ProtectedThread.run {
            let time = clock.time(notBefore: try key.secretKey.outline(), try signer.outline())
            return try RNPSession.run(time: time) { session in
                try session.load(secretKey: key.secretKey)
                try session.load(publicKey: signer.bytes)
                let opening = RNPOpening(session: session, outline: outline, key: key.publicKey.fingerprint)
                return try opening.open(message) { operation, output in
                    try RNPSignatureCheck(operation: operation).require(signer.fingerprint)
                    return try RNP.withContents(of: output) { Array($0) }
                }
            }
        }
    }

    public func open(secretOf message: [UInt8], with key: OpenPGPKeyPair) throws -> SharedSecret {
        let outline = try OpenPGPMessageOutline(of: message)
        let clock = clock
        return try ProtectedThread.run {
            try RNPSession.run(time: clock.time(notBefore: try key.secretKey.outline())) { session in
                try session.load(secretKey: key.secretKey)
                let opening = RNPOpening(session: session, outline: outline, key: key.publicKey.fingerprint)
                return try opening.open(message) { _, output in try RNP.secret(in: output) }
            }
        }
    }

    public func open(_ message: [UInt8], password: SharedSecret) throws -> [UInt8] {
        let outline = try OpenPGPMessageOutline(of: message)
        let time = clock.now()
        return try ProtectedThread.run {
            try RNPSession.run(time: time) { session in
                try password.withCString { password in
                    try session.withPassword(password) {
                        let opening = RNPOpening(session: session, outline: outline, key: nil)
                        return try opening.open(message) { _, output in try RNP.withContents(of: output) { Array($0) } }
                    }
                }
            }
        }
    }
}

extension RNPSession {
    /// Answers with a password whenever librnp asks for one.
    fileprivate func withPassword<Value>(
        _ password: UnsafePointer<CChar>, _ body: () throws -> Value
    ) throws -> Value {
        let context = UnsafeMutableRawPointer(mutating: password)
        try RNP.check("set a password", rnp_ffi_set_pass_provider(ffi, passwordProvider, context))
        defer { rnp_ffi_set_pass_provider(ffi, nil, nil) }
        return try body()
    }
}

/// A global function, and so bound to no actor: librnp calls it on our thread.
private let passwordProvider: rnp_password_cb = { _, context, _, _, buffer, capacity in
    guard let password = context?.assumingMemoryBound(to: CChar.self), let buffer else { return false }
    var length = 0
    while password[length] != 0 { length += 1 }
    guard length < capacity else { return false }
    buffer.update(from: password, count: length + 1)
    return true
}

/// Decrypts one message, and says what is wrong with it when that fails.
private struct RNPOpening {
    let session: RNPSession
    let outline: OpenPGPMessageOutline
    /// Nil when it is opened by a password.
    let key: OpenPGPFingerprint?

    /// Lends the operation and its output when the message was decrypted and is whole. Its signatures were not looked at.
    func open<Value>(
        _ message: [UInt8], _ body: (_ operation: OpaquePointer, _ output: OpaquePointer) throws -> Value
    ) throws -> Value {
        try message.withUnsafeBytes { message in
            try RNP.withInput(message) { input in
                try RNP.withOutput(limit: OpenPGPBounds.message) { output in
                    try RNP.with(
                        "decrypt", { rnp_op_verify_create(&$0, session.ffi, input, output) }, rnp_op_verify_destroy
                    ) { operation in
                        try execute(operation)
                        return try body(operation, output)
                    }
                }
            }
        }
    }

    /// librnp succeeds here on a message without a signature, and fails on one whose signatures it can't verify.
    private func execute(_ operation: OpaquePointer) throws {
        let result = rnp_op_verify_execute(operation)
        let protection = try Protection(of: operation)
        switch result {
        case RNP.success, rnp_result_t(RNP_ERROR_SIGNATURE_INVALID):
            guard protection.isWhole else { throw OpenPGPError.modified }
        case RNP.outOfMemory: throw OpenPGPError.memory("librnp to decrypt")
        case rnp_result_t(RNP_ERROR_WRITE): throw OpenPGPError.contentTooLarge
        case rnp_result_t(RNP_ERROR_NO_SUITABLE_KEY), rnp_result_t(RNP_ERROR_BAD_PASSWORD),
            rnp_result_t(RNP_ERROR_KEY_NOT_FOUND):
            throw try lockedOut()
        default: throw protection.hasBegun ? OpenPGPError.modified : .malformed(RNP.text(result))
        }
    }

    /// Why no session key was found.
    private func lockedOut() throws -> OpenPGPError {
        guard let key else { return outline.passwords > 0 ? .wrongPassword : .noMatchingKey }
        let ids = try session.withKey(key) { try RNPKeyFacts.keyIDs(of: $0) }
        return ids.isDisjoint(with: outline.recipients) ? .noMatchingKey : .modified
    }

    private struct Protection {
        /// Whether data was decrypted at all.
        let hasBegun: Bool
        /// Whether all was, and the integrity check fits.
        let isWhole: Bool

        init(of operation: OpaquePointer) throws {
            var mode: UnsafeMutablePointer<CChar>?
            var isValid = false
            try RNP.check("decrypt", rnp_op_verify_get_protection_info(operation, &mode, nil, &isValid))
            defer { rnp_buffer_destroy(mode) }
            let name = mode.map { String(cString: $0) } ?? "none"
            hasBegun = name != "none"
            isWhole = isValid && name == "cfb-mdc"
        }
    }
}

/// Demands one signature, of one key.
private struct RNPSignatureCheck {
    let operation: OpaquePointer

    func require(_ expected: OpenPGPFingerprint) throws {
        var count = 0
        try RNP.check("read signatures", rnp_op_verify_get_signature_count(operation, &count))
        guard count > 0 else { throw OpenPGPError.unsigned }
        guard count == 1 else { throw OpenPGPError.tooManySignatures(count) }
        var signature: OpaquePointer?
        try RNP.check("read signatures", rnp_op_verify_get_signature_at(operation, 0, &signature))
        guard let signature else { throw OpenPGPError.unsigned }
        switch rnp_op_verify_signature_get_status(signature) {
        case RNP.success: break
        case rnp_result_t(RNP_ERROR_SIGNATURE_EXPIRED): try requireNoEnd(signature)
        case rnp_result_t(RNP_ERROR_KEY_NOT_FOUND):
            throw OpenPGPError.foreignSigner(try name(of: signature), expected: expected)
        default: throw OpenPGPError.signatureInvalid
        }
        try requireBinary(signature)
        try requireStrongHash(signature)
        try require(expected, of: signature)
    }

    /// librnp calls a signature expired that is from the future, too: that is a clock that was set back since, and no reason to lose the
    /// state. One that does have an end is not ours.
    private func requireNoEnd(_ signature: OpaquePointer) throws {
        var creation: UInt32 = 0
        var lifetime: UInt32 = 0
        try RNP.check("read a signature", rnp_op_verify_signature_get_times(signature, &creation, &lifetime))
        guard lifetime == 0 else { throw OpenPGPError.signatureInvalid }
    }

    /// A signature over text would be valid for other line ends as well.
    private func requireBinary(_ signature: OpaquePointer) throws {
        let type = try withHandle(of: signature) { handle in
            try RNP.string("read a signature") { rnp_signature_get_type(handle, &$0) }
        }
        guard type == "binary" else { throw OpenPGPError.signatureInvalid }
    }

    /// librnp itself refuses MD5 and SHA-1 alone.
    private func requireStrongHash(_ signature: OpaquePointer) throws {
        let hash = try RNP.string("read a signature") { rnp_op_verify_signature_get_hash(signature, &$0) }
        guard ["SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-512"].contains(hash) else {
            throw OpenPGPError.signatureInvalid
        }
    }

    private func require(_ expected: OpenPGPFingerprint, of signature: OpaquePointer) throws {
        try RNP.with(
            "find the signer", { rnp_op_verify_signature_get_key(signature, &$0) }, rnp_key_handle_destroy
        ) { key in
            let signer = try RNPKeyFacts.primaryFingerprint(of: key)
            guard signer == expected else {
                throw OpenPGPError.foreignSigner(signer.description, expected: expected)
            }
        }
    }

    private func name(of signature: OpaquePointer) throws -> String {
        try withHandle(of: signature) { handle in
            "key " + (try RNP.string("read a signature") { rnp_signature_get_keyid(handle, &$0) }).lowercased()
        }
    }

    private func withHandle<Value>(
        of signature: OpaquePointer, _ body: (OpaquePointer) throws -> Value
    ) throws -> Value {
        try RNP.with(
            "read a signature", { rnp_op_verify_signature_get_handle(signature, &$0) }, rnp_signature_handle_destroy,
            body)
    }
}
