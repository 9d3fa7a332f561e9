import CRNP
import DTMCore

/// What librnp says about a primary key.
struct RNPKeyFacts {
    let fingerprint: OpenPGPFingerprint
    let userIDs: [String]
    private let isValid: Bool
    private let isRevoked: Bool
    private let isExpired: Bool
    private let encrypts: Bool

    init(of key: OpaquePointer) throws {
        fingerprint = try Self.fingerprint(of: key)
        userIDs = try Self.userIDs(of: key)
        isValid = try Self.flag(key, rnp_key_is_valid)
        isRevoked = try Self.flag(key, rnp_key_is_revoked)
        isExpired = try Self.flag(key, rnp_key_is_expired)
        encrypts = try Self.withEncryptionKey(of: key) { $0 != nil }
    }

    func requireUsable(forEncryption: Bool) throws(OpenPGPError) {
        if isRevoked { throw .keyUnusable("\(fingerprint) is revoked", hint: "ask its owner for the new one") }
        if isExpired {
            throw .keyUnusable(
                "\(fingerprint) is expired",
                hint: "extend it with gpg --quick-set-expire, or ask its owner for a new one")
        }
        guard isValid else {
            throw .keyUnusable(
                "\(fingerprint) has no valid signature of its own",
                hint: "export it again; a key whose own signatures use SHA-1 has to be renewed")
        }
        guard encrypts || !forEncryption else {
            throw .keyUnusable(
                "\(fingerprint) has no valid key to encrypt to",
                hint: "add one with gpg --quick-add-key FINGERPRINT default encrypt, and export it again")
        }
    }

    /// The newest valid subkey, or the primary key, that may encrypt; lent as nil when there is none. `rnp_op_encrypt_add_recipient`
    /// would fall back to the primary key, whatever it is for.
    static func withEncryptionKey<Value>(
        of key: OpaquePointer, _ body: (OpaquePointer?) throws -> Value
    ) throws -> Value {
        var found: OpaquePointer?
        let result = rnp_key_get_default_key(key, "encrypt", 0, &found)
        defer { rnp_key_handle_destroy(found) }
        switch result {
        case rnp_result_t(RNP_ERROR_NO_SUITABLE_KEY), rnp_result_t(RNP_ERROR_KEY_NOT_FOUND): return try body(nil)
        default: try RNP.check("find a key to encrypt to", result)
        }
        return try body(found)
    }

    /// Of the key or subkey itself.
    static func fingerprint(of key: OpaquePointer) throws -> OpenPGPFingerprint {
        try parsed(RNP.string("read a fingerprint") { rnp_key_get_fprint(key, &$0) })
    }

    /// Of the primary key that a key or subkey belongs to.
    static func primaryFingerprint(of key: OpaquePointer) throws -> OpenPGPFingerprint {
        guard try flag(key, rnp_key_is_sub) else { return try fingerprint(of: key) }
        return try parsed(RNP.string("read a fingerprint") { rnp_key_get_primary_fprint(key, &$0) })
    }

    /// By which messages may name the primary key and its subkeys.
    static func keyIDs(of key: OpaquePointer) throws -> Set<OpenPGPKeyID> {
        var ids: Set = [try fingerprint(of: key).keyID]
        var count = 0
        try RNP.check("count subkeys", rnp_key_get_subkey_count(key, &count))
        for index in 0..<count {
            try RNP.with(
                "read a subkey", { rnp_key_get_subkey_at(key, index, &$0) }, rnp_key_handle_destroy
            ) { _ = ids.insert(try fingerprint(of: $0).keyID) }
        }
        return ids
    }

    static func requireUnprotected(_ key: OpaquePointer) throws {
        guard try !flag(key, rnp_key_is_protected) else {
            throw OpenPGPError.keyUnusable(
                "its secret numbers are encrypted with a password of their own",
                hint: "give the secret key that DTM made")
        }
    }

    private static func parsed(_ text: String) throws -> OpenPGPFingerprint {
        guard let fingerprint = OpenPGPFingerprint(hexadecimal: text) else {
            throw OpenPGPError.keyUnusable(
                "its fingerprint is \(text): only keys of version 4 are known",
                hint: "make one with gpg --rfc4880 --full-generate-key")
        }
        return fingerprint
    }

    private static func flag(
        _ key: OpaquePointer, _ get: (OpaquePointer?, UnsafeMutablePointer<Bool>?) -> rnp_result_t
    ) throws -> Bool {
        var flag = false
        try RNP.check("look at a key", get(key, &flag))
        return flag
    }

    private static func userIDs(of key: OpaquePointer) throws -> [String] {
        var count = 0
        try RNP.check("count user IDs", rnp_key_get_uid_count(key, &count))
        return try (0..<min(count, OpenPGPBounds.userIDs)).compactMap { index in
            try RNP.with(
                "read a user ID", { rnp_key_get_uid_handle_at(key, index, &$0) }, rnp_uid_handle_destroy, userID)
        }
    }

    /// Nil for pictures, and for what the key itself did not sign or took back.
    private static func userID(_ handle: OpaquePointer) throws -> String? {
        var type: UInt32 = 0
        var isValid = false
        try RNP.check("read a user ID", rnp_uid_get_type(handle, &type))
        try RNP.check("read a user ID", rnp_uid_is_valid(handle, &isValid))
        guard type == 1, isValid else { return nil }
        var data: UnsafeMutableRawPointer?
        var count = 0
        try RNP.check("read a user ID", rnp_uid_get_data(handle, &data, &count))
        defer { rnp_buffer_destroy(data) }
        return OpenPGPUserID.printable(UnsafeRawBufferPointer(start: data, count: min(count, OpenPGPBounds.userID)))
    }
}

/// The text by which a key says whose it is.
enum OpenPGPUserID {
    /// With what is no text, or would steer a terminal, replaced.
    static func printable(_ bytes: some Sequence<UInt8>) -> String {
        let text = String(decoding: Array(bytes), as: UTF8.self)
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isPrintable($0) ? $0 : "\u{fffd}" }))
    }

    /// - Throws: `keyUnusable` for a text that is empty, too long, or not printable.
    static func check(_ text: String) throws(OpenPGPError) {
        guard (1...OpenPGPBounds.userID).contains(text.utf8.count), printable(text.utf8) == text else {
            throw .keyUnusable(
                "its user ID must be 1 to \(OpenPGPBounds.userID) bytes of printable text",
                hint: "name it after what it is for, as in: dtm state")
        }
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
