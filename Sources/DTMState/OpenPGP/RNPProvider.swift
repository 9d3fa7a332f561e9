import CRNP

/// ``OpenPGPProvider`` by librnp, in this process.
///
/// librnp keeps secret numbers on the ordinary heap and on its stack while it works. So each call has a thread, a stack and a session of its
/// own, all of which are overwritten and gone when it returns: see ``ProtectedThread`` and `wipe_allocator.c`. Never use this in the
/// process that faces the network.
public struct RNPProvider: OpenPGPProvider {
    let clock: OpenPGPClock

    /// Costs nothing: all is made at each call.
    public init() { clock = .system }

    init(clock: OpenPGPClock) { self.clock = clock }

    public func generateKeyPair(userID: String) throws -> OpenPGPKeyPair {
        try OpenPGPUserID.check(userID)
        let clock = clock
        let time = clock.now()
        return try ProtectedThread.run {
            let (packets, secretKey) = try RNPSession.run(time: time) { session in
                try session.generate(userID: userID) { primary in
                    (try session.exportPublic(primary), try session.exportSecret(primary))
                }
            }
            return OpenPGPKeyPair(
                publicKey: try OpenPGPPublicKey(packets: packets, requireEncryption: true, clock: clock),
                secretKey: secretKey)
        }
    }
}

extension RNPSession {
    /// Makes a primary key and a subkey, and lends the primary one.
    fileprivate func generate<Value>(userID: String, _ body: (OpaquePointer) throws -> Value) throws -> Value {
        try RNP.with(
            "make a key", { rnp_op_generate_create(&$0, ffi, "EDDSA") }, rnp_op_generate_destroy
        ) { operation in
            for usage in ["sign", "certify"] {
                try RNP.check("make a key", rnp_op_generate_add_usage(operation, usage))
            }
            try RNP.check("name a key", rnp_op_generate_set_userid(operation, userID))
            try RNP.check("make a key", rnp_op_generate_add_pref_cipher(operation, RNPMessage.cipher))
            try RNP.check("make a key", rnp_op_generate_add_pref_hash(operation, RNPMessage.hash))
            try RNP.check("make a key", rnp_op_generate_add_pref_compression(operation, "Uncompressed"))
            return try withGenerated(operation) { primary in
                try addSubkey(to: primary)
                return try body(primary)
            }
        }
    }

    private func addSubkey(to primary: OpaquePointer) throws {
        try RNP.with(
            "make a subkey", { rnp_op_generate_subkey_create(&$0, ffi, primary, "ECDH") }, rnp_op_generate_destroy
        ) { operation in
            try RNP.check("make a subkey", rnp_op_generate_set_curve(operation, "Curve25519"))
            try RNP.check("make a subkey", rnp_op_generate_add_usage(operation, "encrypt"))
            try withGenerated(operation) { _ in }
        }
    }

    private func withGenerated<Value>(
        _ operation: OpaquePointer, _ body: (OpaquePointer) throws -> Value
    ) throws -> Value {
        try RNP.check("make a key", rnp_op_generate_set_hash(operation, RNPMessage.hash))
        // The default is two years.
        try RNP.check("make a key", rnp_op_generate_set_expiration(operation, 0))
        try RNP.check("make a key", rnp_op_generate_execute(operation))
        return try RNP.with(
            "make a key", { rnp_op_generate_get_key(operation, &$0) }, rnp_key_handle_destroy, body)
    }
}
