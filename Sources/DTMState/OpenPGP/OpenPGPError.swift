public import DTMCore

/// Why an OpenPGP operation did not give what was asked for. No part of a content comes out together with an error.
public struct OpenPGPError: DescribedError, Equatable {
    /// What kind of failure it is; equality compares these alone.
    public enum Code: String, Sendable, CaseIterable {
        case malformed, truncated, notEncrypted, noMatchingKey, wrongPassword, modified
        case unsigned, signatureInvalid, foreignSigner, tooManySignatures
        case emptyPassword, keyUnusable, tooLarge, library, memory
    }

    /// Which kind.
    public let code: Code
    /// What failed.
    public let message: String
    /// What to do next.
    public let hint: String?

    init(_ code: Code, _ message: String, hint: String?) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// `openpgp.` and the code.
    public var codeName: String { "openpgp.\(code.rawValue)" }

    /// Equal when the codes are.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}

// MARK: Messages

extension OpenPGPError {
    private static let backup = "use another copy of the file, for instance from a backup"

    static func malformed(_ what: String) -> Self { Self(.malformed, "not an OpenPGP message: \(what)", hint: backup) }

    static let armored = Self(
        .malformed, "the message is ASCII-armored; only binary messages are read", hint: "convert it: gpg --dearmor")

    static let noIntegrityProtection = Self(
        .malformed, "the message is encrypted in a form other than version 1 with integrity protection (packet 18)",
        hint: "encrypt it again, with gpg --rfc4880 or by DTM itself")

    static let truncated = Self(.truncated, "the OpenPGP message ends before it is complete", hint: backup)

    static let notEncrypted = Self(
        .notEncrypted, "the OpenPGP message is not encrypted",
        hint: "somebody else wrote this file: find out who, and \(backup)")

    static let noMatchingKey = Self(
        .noMatchingKey, "the OpenPGP message is encrypted to other keys than the one at hand",
        hint: "check that the key belongs to this file, or unlock it with another key slot")

    static let wrongPassword = Self(
        .wrongPassword, "the password does not open the OpenPGP message",
        hint: "type it again; look at the keyboard layout and caps lock")

    static let modified = Self(
        .modified, "the OpenPGP message was changed after it was written: its integrity check failed", hint: backup)

    static let unsigned = Self(
        .unsigned, "the OpenPGP message holds no signature",
        hint: "anybody who knows the public key can have written it: do not use it, and \(backup)")

    static let signatureInvalid = Self(
        .signatureInvalid, "the signature in the OpenPGP message is not valid", hint: backup)

    static func foreignSigner(_ signer: String, expected: OpenPGPFingerprint) -> Self {
        Self(
            .foreignSigner, "the OpenPGP message was signed by \(signer), not by \(expected)",
            hint: "do not use it; if the key was replaced on purpose, say so to DTM first")
    }

    static func tooManySignatures(_ count: Int) -> Self {
        Self(
            .tooManySignatures, "the OpenPGP message holds \(count) signatures; exactly one is allowed",
            hint: "DTM writes one signature: somebody else wrote this file; \(backup)")
    }
}

// MARK: Passwords and keys

extension OpenPGPError {
    static let emptyPassword = Self(
        .emptyPassword, "the password is empty or holds a zero byte",
        hint: "choose a password of at least one character")

    static let longPassword = Self(
        .tooLarge, "the password is longer than \(OpenPGPBounds.password) bytes",
        hint: "choose a shorter one, or a key file")

    static func keyUnusable(_ why: String, hint: String) -> Self {
        Self(.keyUnusable, "the OpenPGP key can not be used: \(why)", hint: hint)
    }

    static let exportOne = "export exactly one public key: gpg --export FINGERPRINT"

    static let noKey = keyUnusable("there is none in what was given", hint: exportOne)
    static let severalKeys = keyUnusable("what was given holds several", hint: exportOne)
    static let secretMaterial = keyUnusable(
        "what was given holds SECRET key material, and a public key is wanted",
        hint: "whoever saw it can decrypt: keep it away from here, and \(exportOne)")
    static let noRecipient = keyUnusable("no recipient was named", hint: "name at least one public key")
}

// MARK: Bounds, memory and the library

extension OpenPGPError {
    static func tooLarge(_ what: String, _ count: Int, _ maximum: Int) -> Self {
        Self(
            .tooLarge, "\(what) has \(count) bytes; at most \(maximum) are allowed",
            hint: "check that it is the right file")
    }

    static let contentTooLarge = Self(
        .tooLarge, "the content of the OpenPGP message is larger than \(OpenPGPBounds.message) bytes",
        hint: "it may have been made to exhaust memory: do not use it")

    static func memory(_ what: String) -> Self {
        Self(.memory, "no memory for \(what)", hint: "free memory, and try again")
    }

    static func library(_ action: String, _ reason: String) -> Self {
        Self(
            .library, "librnp could not \(action): \(reason)",
            hint: "check that librnp 0.16 is installed; RNP_LOG_CONSOLE=1 in the environment makes it say more")
    }
}
