import DTMCore
@testable import DTMTelemetry
import FoundationEssentials
import Glibc
import Synchronization
import Testing

/// A directory that goes when the value does.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/dtm-telemetry-XXXXXX".utf8CString)
        let made = mkdtemp(&template)
        path = String(cString: try #require(made))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func bytes(_ name: String) -> [UInt8] {
        (try? Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))).map(Array.init) ?? []
    }

    func lines(_ name: String) -> [[UInt8]] { bytes(name).split(separator: UInt8(ascii: "\n")).map(Array.init) }

    func objects(_ name: String) throws -> [[String: DetailValue]] {
        try lines(name).map { try JSONDecoder().decode([String: DetailValue].self, from: Data($0)) }
    }

    func mode(_ name: String) -> mode_t? {
        var status = stat()
        return lstat("\(path)/\(name)", &status) == 0 ? status.st_mode & 0o7777 : nil
    }
}

/// What was reported.
final class Reports: Sendable {
    private let kept = Mutex<[String]>([])
    var sentences: [String] { kept.withLock { $0 } }
    var sink: @Sendable (String) -> Void {
        { [self] sentence in kept.withLock { $0.append(sentence) } }
    }
}

extension Event {
    static func sample(_ number: Int64 = 0, severity: Severity = .info, kind: String = "tunnel.rotated") -> Event {
        Event(
            time: Timestamp(milliseconds: 1_795_489_390_250), kind: kind, severity: severity, tunnel: "redis",
            detail: ["number": .integer(number)])
    }
}
