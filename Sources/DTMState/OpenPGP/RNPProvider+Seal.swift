import CRNP
public import DTMSecrets

/// What every message that we write has in common: the form that most programs read. Session keys, then one packet of version 1 with
/// integrity protection, in it no compression, binary data without a name and a time.
enum RNPMessage {
    static let cipher = "AES256"
    static let hash = "SHA512"
    /// The most that the format can say: 65,011,712 bytes are hashed (RFC 4880, 3.7.1.3).
    static let passwordIterations = 65_011_712
}

extension RNPProvider {
    public func seal(
        _ content: [UInt8], signedBy signer: OpenPGPKeyPair, to recipients: [OpenPGPPublicKey]
    ) throws -> [UInt8] {
        try checkSize(content)
        return try seal(to: recipients, also: [signer.secretKey.outline()]) { session, recipients in
            try session.load(secretKey: signer.secretKey)
            return try content.withUnsafeBytes { content in
                try session.encrypt(content) { operation in
                    try session.add(recipients, to: operation)
                    try session.withKey(signer.publicKey.fingerprint) { key in
                        try RNP.check("sign", rnp_op_encrypt_add_signature(operation, key, nil))
                    }
                    try RNP.check("sign", rnp_op_encrypt_set_hash(operation, RNPMessage.hash))
                }
            }
        }
    }

    public func seal(secret: SharedSecret, to recipients: [OpenPGPPublicKey]) throws -> [UInt8] {
        try seal(to: recipients, also: []) { session, recipients in
            try secret.bytes.withBytes { span in
                try span.withUnsafeBytes { content in
                    try session.encrypt(content) { try session.add(recipients, to: $0) }
                }
            }
        }
    }

    public func seal(_ content: [UInt8], password: SharedSecret) throws -> [UInt8] {
        try checkSize(content)
        let time = clock.now()
        let message = try ProtectedThread.run {
            try RNPSession.run(time: time) { session in
                try password.withCString { password in
                    try content.withUnsafeBytes { content in
                        try session.encrypt(content) { operation in
                            try RNP.check(
                                "derive a key",
                                rnp_op_encrypt_add_password(
                                    operation, password, RNPMessage.hash, RNPMessage.passwordIterations,
                                    RNPMessage.cipher))
                        }
                    }
                }
            }
        }
        return message
    }

    private func checkSize(_ content: [UInt8]) throws(OpenPGPError) {
        guard content.count <= OpenPGPBounds.content else {
            throw .tooLarge("the content of the OpenPGP message", content.count, OpenPGPBounds.content)
        }
    }

    private func seal(
        to recipients: [OpenPGPPublicKey], also outlines: [OpenPGPKeyOutline],
        _ body: @escaping @Sendable (RNPSession, [OpenPGPPublicKey]) throws -> [UInt8]
    ) throws -> [UInt8] {
        guard !recipients.isEmpty else { throw OpenPGPError.noRecipient }
        guard recipients.count <= OpenPGPBounds.recipients else {
            throw OpenPGPError.keyUnusable(
                "\(recipients.count) recipients were named", hint: "name at most \(OpenPGPBounds.recipients)")
        }
        let clock = clock
        return try ProtectedThread.run {
            let outlines = try outlines + recipients.map { try $0.outline() }
            return try RNPSession.run(time: clock.time(notBefore: outlines)) { session in
                for recipient in recipients { try session.load(publicKey: recipient.bytes) }
                return try body(session, recipients)
            }
        }
    }
}

extension OpenPGPPublicKey {
    func outline() throws(OpenPGPError) -> OpenPGPKeyOutline {
        do {
            return try bytes.withUnsafeBytes { try OpenPGPKeyOutline(of: $0) }
        } catch let error as OpenPGPError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
    }
}

extension RNPSession {
    fileprivate func add(_ recipients: [OpenPGPPublicKey], to operation: OpaquePointer) throws {
        for recipient in recipients {
            try withKey(recipient.fingerprint) { key in
                try RNPKeyFacts.withEncryptionKey(of: key) { key in
                    guard let key else {
                        throw OpenPGPError.keyUnusable(
                            "\(recipient.fingerprint) has no valid key to encrypt to, or no more",
                            hint: "ask its owner for a new one, and replace it")
                    }
                    try RNP.check("add a recipient", rnp_op_encrypt_add_recipient(operation, key))
                }
            }
        }
    }

    /// Encrypts to what `prepare` adds.
    fileprivate func encrypt(
        _ content: UnsafeRawBufferPointer, _ prepare: (OpaquePointer) throws -> Void
    ) throws -> [UInt8] {
        try RNP.withInput(content) { input in
            try RNP.withOutput(limit: OpenPGPBounds.message) { output in
                try RNP.with(
                    "encrypt", { rnp_op_encrypt_create(&$0, ffi, input, output) }, rnp_op_encrypt_destroy
                ) { operation in
                    try RNP.check("encrypt", rnp_op_encrypt_set_cipher(operation, RNPMessage.cipher))
                    try RNP.check("encrypt", rnp_op_encrypt_set_aead(operation, "None"))
                    try RNP.check("encrypt", rnp_op_encrypt_set_compression(operation, "Uncompressed", 0))
                    try RNP.check("encrypt", rnp_op_encrypt_set_armor(operation, false))
                    try prepare(operation)
                    try RNP.check("encrypt", rnp_op_encrypt_execute(operation))
                }
                return try RNP.withContents(of: output) { Array($0) }
            }
        }
    }
}

extension SharedSecret {
    /// Lends the bytes with a zero after them, from protected memory.
    ///
    /// - Throws: `emptyPassword` when there is nothing before the first zero, or something after it; `tooLarge`.
    func withCString<Value>(_ body: (UnsafePointer<CChar>) throws -> Value) throws -> Value {
        guard bytes.count <= OpenPGPBounds.password else { throw OpenPGPError.longPassword }
        let copy = try SecretBytes(count: bytes.count + 1) { buffer in
            bytes.withBytes { span in span.withUnsafeBytes { buffer.copyMemory(from: $0) } }
        }
        return try copy.withBytes { span in
            try span.withUnsafeBytes { text in
                guard let start = text.bindMemory(to: CChar.self).baseAddress, !text.dropLast().contains(0) else {
                    throw OpenPGPError.emptyPassword
                }
                return try body(start)
            }
        }
    }
}
