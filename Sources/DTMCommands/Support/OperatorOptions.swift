package import ArgumentParser
import DTMAPI
import DTMCore
import DTMSecrets
package import DTMState
import DTMText
import Glibc

/// How the operator shows that it is he who lowers protection.
package struct OperatorOptions: ParsableArguments {
    @Option(
        name: .customLong("passphrase-file"),
        help: ArgumentHelp(
            "Take the operator's passphrase from the first line of this file. With sealed state the manager asks for it.",
            valueName: "file"), completion: .file())
    package var passphraseFile: String?

    package init() {}

    /// Makes a call, with the passphrase when it is given, and once more when the manager asks for it and there is a
    /// terminal to ask at. Scripts are not asked.
    func confirming<Answer>(
        _ manager: ManagerOptions, _ call: (SharedSecret?) async throws -> Answer
    ) async throws -> Answer {
        if let passphraseFile { return try await call(try SecretFile.read(passphraseFile).secret) }
        do {
            return try await call(nil)
        } catch let error as ControlClientError where error.code == .passphraseNeeded {
            guard !manager.json, let prompt = PassphrasePrompt() else { throw error }
            guard let secret = try prompt.read("This lowers protection. The operator's passphrase: ") else {
                throw CancellationError()
            }
            return try await call(secret.secret)
        }
    }
}

/// Files that hold a passphrase or a key.
package enum SecretFile {
    /// The first line.
    ///
    /// - Throws: ``CommandFailure`` when it can't be opened; `state.passphrase`, `state.io`, `state.memory`.
    package static func read(_ path: String) throws -> UnlockSecret {
        try withDescriptor(of: path) { try UnlockSecret(reading: $0, from: shown(path)) }
    }

    /// Lends a descriptor to read from.
    package static func withDescriptor<Value: ~Copyable>(of path: String, _ body: (Int32) throws -> Value) throws
        -> Value
    {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else {
            throw CommandFailure(message: "\(shown(path)) can't be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        return try body(descriptor)
    }
}
