import FoundationEssentials
import Glibc

/// A home for a manager that lives as long as one attack: a folder 0700, with its configuration.
struct TemporaryHome {
    let path: String
    var configurationPath: String { "\(path)/config.json" }
    var clientSocketPath: String { "\(path)/client.sock" }

    /// - Parameter configuration: The text of the configuration.
    /// - Throws: ``RedteamError`` of code `system`.
    init(configuration: String) throws(RedteamError) {
        var name = Array("/tmp/dtm-redteam.XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else {
            throw RedteamError(.system, "/tmp takes no folder: \(String(cString: strerror(errno)))")
        }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let file = open(configurationPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw RedteamError(.system, "\(configurationPath) can't be written: \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        let bytes = Array(configuration.utf8)
        guard write(file, bytes, bytes.count) == bytes.count else {
            throw RedteamError(.system, "\(configurationPath) can't be written: \(String(cString: strerror(errno)))")
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
