import DTMAPI
import DTMText
import Glibc

/// A baseline as a file. It describes traffic: when how much of it comes.
enum BaselineStore {
    /// Writes a new file that its owner alone can read.
    ///
    /// - Throws: ``CommandFailure``, also when there is a file of this name; nothing is left behind then.
    static func write(_ document: BaselineDocument, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(
                message: "\(shown(path)) can't be made: \(String(cString: strerror(errno)))",
                hint: "name a file that is not there: none is overwritten")
        }
        defer { close(descriptor) }
        var rest = (try APIJSON.encode(document) + [0x0a])[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw unwritten(path) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw unwritten(path) }
    }

    private static func unwritten(_ path: String) -> CommandFailure {
        let reason = String(cString: strerror(errno))
        unlink(path)
        return CommandFailure(message: "\(shown(path)) can't be written: \(reason)")
    }

    /// - Throws: ``CommandFailure`` for what is no baseline.
    static func read(_ path: String) throws -> BaselineDocument {
        let bytes = try SecretFile.withDescriptor(of: path) { try contents($0, path) }
        guard let document = try? APIJSON.decode(BaselineDocument.self, from: bytes),
            document.schemaVersion == apiSchemaVersion
        else {
            throw CommandFailure(
                message: "\(shown(path)) is no baseline of this version",
                hint: "give a file that dtm analyze export wrote")
        }
        return document
    }

    private static func contents(_ descriptor: Int32, _ path: String) throws -> [UInt8] {
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw CommandFailure(message: "\(shown(path)) can't be read: \(String(cString: strerror(errno)))")
            }
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
            guard bytes.count <= BaselineDocument.maximumBytes else {
                throw CommandFailure(
                    message: "\(shown(path)) has more than \(BaselineDocument.maximumBytes) bytes: it is no baseline")
            }
        }
    }
}
