import Glibc

/// The beginning of a TLS 1.3 handshake (RFC 8446, section 4.1.2).
enum ClientHello {
    /// A record that promises 508 bytes of ClientHello and holds 120.
    static var firstHalf: [UInt8] {
        let record: [UInt8] = [0x16, 0x03, 0x01, 0x02, 0x00]
        let handshake: [UInt8] = [0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]
        let random = (0..<32).map { UInt8($0) }
        return record + handshake + random + [0x20] + (0..<32).map { UInt8($0 ^ 0x55) }
            + [UInt8](repeating: 0x13, count: 49)
    }
}

/// How many descriptors this process, and those that it starts, may have.
enum DescriptorLimit {
    static func raise(toHold count: Int) {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, rlim_t(count)))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
