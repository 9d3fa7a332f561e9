import CRNP
import DTMSecrets

/// One use of librnp: keys are loaded, something is done, and all of it is destroyed. For RNP's own thread (``ProtectedThread``) only.
struct RNPSession {
    let ffi: OpaquePointer

    /// Runs `body` with a session that thinks it is `time`, and destroys the session.
    static func run<Value>(time: UInt64, _ body: (RNPSession) throws -> Value) throws -> Value {
        try RNP.with("begin", { rnp_ffi_create(&$0, "GPG", "GPG") }, rnp_ffi_destroy) { ffi in
            try RNP.check("set the time", rnp_set_timestamp(ffi, time))
            return try body(RNPSession(ffi: ffi))
        }
    }

    // MARK: Keys

    func load(publicKey bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try load($0, RNP.loadPublic) }
    }

    /// Loads a secret key together with its public half. RNP reads it where it is: no copy is made here.
    func load(secretKey: SharedSecret) throws {
        try secretKey.bytes.withBytes { span in
            try span.withUnsafeBytes { try load($0, RNP.loadPublic | RNP.loadSecret) }
        }
    }

    private func load(_ packets: UnsafeRawBufferPointer, _ kinds: UInt32) throws {
        try RNP.withInput(packets) { input in
            switch rnp_load_keys(ffi, "GPG", input, kinds) {
            case RNP.success: break
            case RNP.outOfMemory: throw OpenPGPError.memory("a key")
            case let result:
                throw OpenPGPError.keyUnusable(
                    "it can not be read (\(RNP.text(result)))", hint: OpenPGPError.exportOne)
            }
        }
    }

    /// Lends the one primary key of a session that has one.
    func withOnlyKey<Value>(_ body: (OpaquePointer) throws -> Value) throws -> Value {
        var list: OpaquePointer?
        try RNP.check("list keys", rnp_identifier_iterator_create(ffi, &list, "fingerprint"))
        defer { rnp_identifier_iterator_destroy(list) }
        while true {
            var name: UnsafePointer<CChar>?
            try RNP.check("list keys", rnp_identifier_iterator_next(list, &name))
            guard let name else { throw OpenPGPError.noKey }
            let result = try withKey(String(cString: name)) { key -> Value? in
                var isPrimary = false
                try RNP.check("look at a key", rnp_key_is_primary(key, &isPrimary))
                return isPrimary ? try body(key) : nil
            }
            if let result { return result }
        }
    }

    func withKey<Value>(_ fingerprint: OpenPGPFingerprint, _ body: (OpaquePointer) throws -> Value) throws -> Value {
        try withKey(fingerprint.description, body)
    }

    private func withKey<Value>(_ fingerprint: String, _ body: (OpaquePointer) throws -> Value) throws -> Value {
        var key: OpaquePointer?
        try RNP.check("find a key", rnp_locate_key(ffi, "fingerprint", fingerprint, &key))
        guard let key else { throw OpenPGPError.noKey }
        defer { rnp_key_handle_destroy(key) }
        return try body(key)
    }

    // MARK: Exports

    func exportPublic(_ key: OpaquePointer) throws -> [UInt8] {
        try RNP.withOutput(limit: OpenPGPBounds.publicKey) { output in
            try RNP.check("export a key", rnp_key_export(key, output, RNP.exportPublic | RNP.exportSubkeys))
            return try RNP.withContents(of: output) { Array($0) }
        }
    }

    func exportSecret(_ key: OpaquePointer) throws -> SharedSecret {
        try RNP.withOutput(limit: OpenPGPBounds.publicKey) { output in
            try RNP.check("export a key", rnp_key_export(key, output, RNP.exportSecret | RNP.exportSubkeys))
            return try RNP.secret(in: output)
        }
    }

    /// Takes the ASCII armor off.
    static func dearmor(_ bytes: [UInt8]) throws -> [UInt8] {
        try bytes.withUnsafeBytes { bytes in
            try RNP.withInput(bytes) { input in
                try RNP.withOutput(limit: OpenPGPBounds.publicKey) { output in
                    switch rnp_dearmor(input, output) {
                    case RNP.success: try RNP.withContents(of: output) { Array($0) }
                    case RNP.outOfMemory: throw OpenPGPError.memory("a key")
                    default: throw OpenPGPError.malformed("its ASCII armor is damaged")
                    }
                }
            }
        }
    }
}

/// What librnp's calls have in common.
enum RNP {
    static let success = rnp_result_t(RNP_SUCCESS)
    static let outOfMemory = rnp_result_t(RNP_ERROR_OUT_OF_MEMORY)
    static let loadPublic: UInt32 = 1 << 0
    static let loadSecret: UInt32 = 1 << 1
    static let exportPublic: UInt32 = 1 << 1
    static let exportSecret: UInt32 = 1 << 2
    static let exportSubkeys: UInt32 = 1 << 3

    static func text(_ result: rnp_result_t) -> String {
        rnp_result_to_string(result).map { String(cString: $0) } ?? "error \(String(result, radix: 16))"
    }

    /// - Throws: `memory`, or `library` with what was tried.
    static func check(_ action: String, _ result: rnp_result_t) throws(OpenPGPError) {
        switch result {
        case success: return
        case outOfMemory: throw .memory("librnp to \(action)")
        default: throw .library(action, text(result))
        }
    }

    /// Makes an object, lends it and destroys it.
    static func with<Value>(
        _ action: String, _ create: (inout OpaquePointer?) -> rnp_result_t, _ destroy: (OpaquePointer?) -> rnp_result_t,
        _ body: (OpaquePointer) throws -> Value
    ) throws -> Value {
        var object: OpaquePointer?
        try check(action, create(&object))
        guard let object else { throw OpenPGPError.library(action, "it made nothing") }
        defer { _ = destroy(object) }
        return try body(object)
    }

    /// Lends memory of ours as an input; it is not copied.
    static func withInput<Value>(
        _ bytes: UnsafeRawBufferPointer, _ body: (OpaquePointer) throws -> Value
    ) throws -> Value {
        let start = bytes.bindMemory(to: UInt8.self).baseAddress
        return try with(
            "read",
            { input in
                // Memory of no bytes is refused.
                bytes.isEmpty
                    ? rnp_input_from_callback(&input, noBytes, nil, nil)
                    : rnp_input_from_memory(&input, start, bytes.count, false)
            }, rnp_input_destroy, body)
    }

    private static let noBytes:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int, UnsafeMutablePointer<Int>?
        ) -> Bool = { _, _, _, count in
            count?.pointee = 0
            return true
        }

    /// Lends an output in memory that takes at most `limit` bytes.
    static func withOutput<Value>(limit: Int, _ body: (OpaquePointer) throws -> Value) throws -> Value {
        try with("write", { rnp_output_to_memory(&$0, limit) }, rnp_output_destroy, body)
    }

    /// Lends what was written.
    static func withContents<Value>(
        of output: OpaquePointer, _ body: (UnsafeBufferPointer<UInt8>) throws -> Value
    ) throws -> Value {
        var start: UnsafeMutablePointer<UInt8>?
        var count = 0
        let result = rnp_output_memory_get_buf(output, &start, &count, false)
        // An output that nothing was written to has no memory yet, and that is what librnp says of it.
        if result == rnp_result_t(RNP_ERROR_BAD_PARAMETERS) {
            return try body(UnsafeBufferPointer(start: nil, count: 0))
        }
        try check("write", result)
        return try body(UnsafeBufferPointer(start: start, count: count))
    }

    /// Moves what was written to protected memory, and clears it here.
    static func secret(in output: OpaquePointer) throws -> SharedSecret {
        try withContents(of: output) { contents in
            defer { rnp_buffer_clear(UnsafeMutableRawPointer(mutating: contents.baseAddress), contents.count) }
            guard (1...SecretBytes.maximumCount).contains(contents.count) else {
                throw OpenPGPError.tooLarge("the secret", contents.count, SecretBytes.maximumCount)
            }
            return SharedSecret(
                try SecretBytes(count: contents.count) { $0.copyMemory(from: UnsafeRawBufferPointer(contents)) })
        }
    }

    /// A text that librnp allocated.
    static func string(
        _ action: String, _ get: (inout UnsafeMutablePointer<CChar>?) -> rnp_result_t
    ) throws -> String {
        var text: UnsafeMutablePointer<CChar>?
        try check(action, get(&text))
        guard let text else { return "" }
        defer { rnp_buffer_destroy(text) }
        return String(cString: text)
    }
}
