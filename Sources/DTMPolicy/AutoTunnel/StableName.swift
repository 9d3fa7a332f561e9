public import DTMCore

/// Names of tunnels that nobody named.
public enum StableName {
    /// The names that a tunnel to an application's port may take, best first: `redis`, then `redis-6379`, then those with a
    /// number behind. They depend on the application and the port alone, so that the same listener finds its name again.
    ///
    /// - Parameter application: The application's stable name; nil when it is not known, and then the port stands for it.
    public static func candidates(application: String?, port: UInt16, limit: Int = 8) -> [TunnelName] {
        let base = application.map { sanitized(short($0)) } ?? "port"
        let withPort = "\(base.prefix(57))-\(port)"
        let first = application == nil ? [withPort] : [base, withPort]
        let numbered = (2..<max(2, limit) + 1).map { "\(base.prefix(52))-\(port)-\($0)" }
        return (first + numbered).prefix(limit).compactMap { TunnelName($0) }
    }

    /// People call redis-server redis.
    public static func short(_ application: String) -> String {
        let ending = "-server"
        return application.hasSuffix(ending) && application != ending
            ? String(application.dropLast(ending.count)) : application
    }

    /// A text made of the characters that a tunnel's name may have, in place of those that it may not.
    public static func sanitized(_ text: String) -> String {
        let allowed = text.lowercased().utf8.map { byte in
            isAlphanumeric(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") ? byte : UInt8(ascii: "-")
        }
        let trimmed = allowed.drop { !isAlphanumeric($0) }.prefix(63)
        return trimmed.isEmpty ? "tunnel" : String(decoding: trimmed, as: UTF8.self)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte)
    }
}
