import DTMAPI
import Glibc

/// The trust bundle for people and tools: PEM, certificates only (RFC 7468). Keys are never written.
enum TrustBundleFile {
    /// Replaces the file in one step.
    ///
    /// - Throws: `home.unusable` when it can't be written.
    static func write(_ bundle: [[UInt8]], to path: String) throws(ManagerError) {
        let temporary = "\(path).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw .home(temporary, "it could not be made", errno) }
        let bytes = Array(bundle.map(pem).joined().utf8)
        let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        let code = errno
        close(descriptor)
        guard written == bytes.count else { throw .home(temporary, "it could not be written", code) }
        guard rename(temporary, path) == 0 else { throw .home(path, "it could not be replaced", errno) }
    }

    static func pem(_ der: [UInt8]) -> String {
        var lines = "-----BEGIN CERTIFICATE-----\n"
        var rest = Substring(Base64.encode(der))
        while !rest.isEmpty {
            lines += rest.prefix(64) + "\n"
            rest = rest.dropFirst(64)
        }
        return lines + "-----END CERTIFICATE-----\n"
    }
}
