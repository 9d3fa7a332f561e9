import DTMSecrets

/// Wraps a content in both layers, and takes it out of them: XChaCha20-Poly1305 within, OpenPGP around it.
struct Envelope: Sendable {
    let openPGP: any OpenPGPProvider
    let keys: StateKeys
    let instance: InstanceID

    /// What the inner layer is bound to.
    struct Binding {
        var generation: UInt64
        var previous: [UInt8]
        var signer: OpenPGPFingerprint
    }

    /// `dtm state v1` ‖ instance ‖ generation (8) ‖ hash of the commit before ‖ schema (2) ‖ the signer's fingerprint.
    func associated(_ binding: Binding) -> [UInt8] {
        Array("dtm state v1".utf8) + instance.bytes + ByteWriter.bigEndian(binding.generation) + binding.previous
            + ByteWriter.bigEndian(StateContent.schema) + binding.signer.bytes
    }

    func seal(
        _ content: StateContent, _ binding: Binding, signedBy session: OpenPGPKeyPair, to recipient: OpenPGPPublicKey
    ) throws(StateError) -> [UInt8] {
        let plain = try content.encoded()
        let inner = SecretCipher.seal(plain, under: keys.content.bytes, associated: associated(binding))
        do {
            return try openPGP.seal(inner, signedBy: session, to: [session.publicKey, recipient])
        } catch {
            let isMemory = error is SecretsError || (error as? OpenPGPError)?.code == .memory
            throw StateError(isMemory ? .memory : .recipient, "the state could not be encrypted", cause: error)
        }
    }

    func open(
        _ message: [UInt8], _ binding: Binding, with recipient: OpenPGPKeyPair, signer: OpenPGPPublicKey, file: String
    ) throws(StateError) -> StateContent {
        let inner: [UInt8]
        do {
            inner = try openPGP.open(message, with: recipient, signer: signer)
        } catch {
            throw Self.translated(error, file)
        }
        let plain: SecretBytes?
        do {
            plain = try SecretCipher.open(inner, under: keys.content.bytes, associated: associated(binding))
        } catch {
            throw StateError(.memory, "no protected memory for what \(file) holds", cause: error)
        }
        guard let plain else {
            throw .damaged(.modified, file, "what it holds belongs to another generation or instance, or was changed")
        }
        return try StateContent(decoding: plain, file: file)
    }

    private static func translated(_ error: any Error, _ file: String) -> StateError {
        if error is SecretsError { return StateError(.memory, "no protected memory to open \(file)", cause: error) }
        guard let error = error as? OpenPGPError else { return .damaged(.malformed, file, "\(error)", cause: error) }
        let code: StateError.Code =
            switch error.code {
            case .truncated: .truncated
            case .unsigned: .unsigned
            case .foreignSigner, .tooManySignatures: .foreignSigner
            case .signatureInvalid, .modified: .modified
            case .noMatchingKey: .foreign
            case .memory: .memory
            case .tooLarge: .tooLarge
            default: .malformed
            }
        return .damaged(code, file, error.message, cause: error)
    }
}
