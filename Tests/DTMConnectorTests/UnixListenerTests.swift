import CDTMLinux
import DTMCore
import Glibc
import Testing

@testable import DTMConnector

@Suite("The Unix socket that a connector offers", .serialized)
struct UnixListenerTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/dtm-unix-XXXXXX".utf8CString)
        let made = mkdtemp(&template) != nil
        try #require(made)
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func file(_ name: String) -> String { "\(folder)/\(name)" }

    private func mode(_ path: String) -> UInt32? {
        var facts = dtm_file_facts()
        return dtm_file_facts(path, 0, &facts) == 0 ? UInt32(facts.mode) & 0o777 : nil
    }

    @Test("appears with mode 0600, replaces one that nobody answers at, and goes")
    func life() throws {
        let path = file("offer.sock")
        let (stale, first) = try UnixListener.open(path: path)
        close(first)
        let (listener, second) = try UnixListener.open(path: path)
        #expect(mode(path) == 0o600)
        // The name is another socket's by now.
        stale.remove()
        #expect(mode(path) != nil)
        listener.remove()
        #expect(mode(path) == nil)
        close(second)
        rmdir(folder)
    }

    @Test("leaves what is no socket, and one that is in use, alone")
    func others() throws {
        let path = file("offer.sock")
        close(open(path, O_CREAT | O_WRONLY, 0o644))
        #expect(throws: ConnectorError(.listen, "")) { try UnixListener.open(path: path) }
        #expect(mode(path) == 0o644)
        unlink(path)
        let (listener, descriptor) = try UnixListener.open(path: path)
        #expect(throws: ConnectorError(.listen, "")) { try UnixListener.open(path: path) }
        #expect(mode(path) == 0o600)
        listener.remove()
        close(descriptor)
        rmdir(folder)
    }

    @Test("a path that is too long, and a folder that is not there, are told")
    func impossible() {
        #expect(throws: ConnectorError(.listen, "")) {
            try UnixListener.open(path: file(String(repeating: "x", count: 100)))
        }
        #expect(throws: ConnectorError(.listen, "")) { try UnixListener.open(path: file("none/offer.sock")) }
        rmdir(folder)
    }
}
